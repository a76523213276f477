#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/symbols_option.h"
#include "labctl/cli/verbs.h"
#include "labctl/crash/binary.h"
#include "labctl/crash/crash.h"
#include "labctl/crash/frames.h"
#include "labctl/crash/log.h"
#include "labctl/crash/windows/dump.h"
#include "labctl/logs/log_files.h"
#include "labctl/scenario/signatures.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {
namespace {

struct ScanOptions {
  std::string file;
  std::string os = "auto";
  std::string signatures;  // a signature file; empty when there is none
  bool json = false;
  std::vector<std::string> debug;  // modules with their debug information
};

// A finding, the log that it is of, and its places as lines of source; none without debug files.
struct Reported {
  crash::Finding finding;
  std::string file;  // empty unless a folder is scanned
  std::vector<std::string> places;
};

Status look_up(std::vector<Reported>& all, const std::vector<std::string>& debug) {
  if (debug.empty()) return {};
  for (Reported& each : all) {
    auto lines =
        symbolize::source_lines(crash::module_frames(each.finding.excerpt), {debug.begin(), debug.end()});
    if (!lines) return fail(lines.error());
    each.places = std::move(*lines);
  }
  return {};
}

Json frames_of(const crash::Finding& finding) {
  Json list = Json::array();
  for (const auto& frame : crash::call_frames(finding.excerpt)) {
    Json item{{"function", frame.function}, {"module", frame.module}};
    if (frame.inlined)
      item["inline"] = true;
    else
      item["offset"] = frame.offset;
    list.push_back(std::move(item));
  }
  return list;
}

Json describe(const std::vector<Reported>& all) {
  Json list = Json::array();
  for (const auto& [f, file, places] : all) {
    Json item{{"title", f.title},
              {"kind", crash::to_string(f.kind)},
              {"severity", crash::to_string(f.severity)},
              {"module", f.module},
              {"offset", f.offset},
              {"line", f.line},
              {"corrupted", f.corrupted},
              {"confirmed", f.confirmed},
              {"frames", frames_of(f)}};
    if (!file.empty()) item["file"] = file;
    if (!f.suppressed.empty()) item["suppressed"] = f.suppressed;
    if (!places.empty()) item["places"] = places;
    list.push_back(std::move(item));
  }
  return {{"findings", list}};
}

// A dump has no lines; its numbers are shown instead.
std::string line(const crash::Finding& f) {
  std::string text = (f.line == 0 ? printable(f.excerpt) : std::to_string(f.line)) + ": " +
                     printable(f.title) + " (" + crash::to_string(f.kind) + ", " +
                     crash::to_string(f.severity);
  if (!f.module.empty()) text += fmt::format(", in module {}", printable(f.module, 60));
  if (!f.confirmed) text += ", only this line, without a report";
  if (!f.corrupted.empty()) text += fmt::format(", damaged: {}", f.corrupted);
  if (!f.suppressed.empty()) text += fmt::format(", suppressed: {}", f.suppressed);
  return text + ")\n";
}

// A guest chooses the first bytes of its console, and they may not hide a crash behind them. A program that
// only holds the messages of a kernel has no report behind any of them. A reset and a boot failure are known
// by one line, so they are no report.
bool any_whole(const std::vector<crash::Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.confirmed && finding.corrupted.empty() && finding.kind != crash::Kind::reset &&
           finding.kind != crash::Kind::boot_failure;
  });
}

// One log from its first byte to its last, as it is and as what it decompresses to or is in UTF-8.
class Log {
 public:
  Log(std::optional<crash::Os> os, const std::vector<crash::Signature>& signatures)
      : raw_(os, signatures), text_(os, signatures) {}

  // Why it cannot be read, empty when it can.
  std::string read(std::FILE* input) {
    std::string head(1u << 18, '\0');
    head.resize(std::fread(head.data(), 1, head.size(), input));
    if (first_) kind_ = crash::binary_kind(head);
    first_ = first_ && head.empty();
    if (crash::is_dump(head)) {
      read_dump(input, std::move(head));
    } else {
      const auto unpacked = logs::read_log(
          input, head, [&](std::string_view bytes) { raw_.feed(bytes); },
          [&](std::string_view bytes) { text_.feed(bytes); });
      decoded_ = decoded_ || unpacked.decoded;
      too_long_ = too_long_ || unpacked.too_long;
    }
    return std::ferror(input) != 0 ? "cannot be read" : "";
  }

  bool empty() const { return first_; }
  bool too_long() const { return too_long_; }
  bool kernel_spoke() const { return raw_.kernel_spoke() || text_.kernel_spoke(); }

  std::vector<crash::Finding> finish() {
    auto findings = raw_.finish();
    auto text = text_.finish();
    // What bytes that are no text look like is nothing beside what they hold.
    if (decoded_) findings = std::move(text);
    if (dump_) findings.push_back(std::move(*dump_));
    return findings;
  }

  // What it is instead of a log, when nothing whole was found in it.
  std::string_view other_than_a_log(const std::vector<crash::Finding>& findings) const {
    return decoded_ || any_whole(findings) ? std::string_view() : kind_;
  }

 private:
  void read_dump(std::FILE* input, std::string head) {
    std::string block(1u << 18, '\0');
    std::uint64_t size = head.size();
    const std::uint64_t end = crash::end_mark_of(head).value_or(0);
    std::string mark;
    while (std::size_t got = std::fread(block.data(), 1, block.size(), input)) {
      if (head.size() < crash::dump_head) head.append(block, 0, got);
      for (std::uint64_t at = std::max(size, end); at < std::min(size + got, end + 4); ++at)
        mark += block[at - size];
      size += got;
    }
    dump_ = crash::finding_of(*crash::read_dump(head, size, mark));
  }

  crash::LogScanner raw_, text_;
  std::optional<crash::Finding> dump_;
  std::string_view kind_;
  bool first_ = true, decoded_ = false, too_long_ = false;
};

struct Scanned {
  std::vector<crash::Finding> findings;
  std::string problem;  // why it is no log; empty when it is one
  std::string hint;     // what to do about it
  bool kernel_spoke = false;
};

Result<Scanned> scan_one(const logs::LogFile& file, std::optional<crash::Os> os,
                         const std::vector<crash::Signature>& signatures) {
  Log log(os, signatures);
  for (const std::string& part : file.parts) {
    std::FILE* input = part == "-" ? stdin : std::fopen(part.c_str(), "rbe");
    if (!input) return input_error(fmt::format("cannot open: {}", std::strerror(errno)), part);
    const std::string problem = log.read(input);
    if (input != stdin) std::fclose(input);
    if (!problem.empty()) return input_error(problem, part == "-" ? "standard input" : part);
  }
  Scanned scanned{.findings = log.finish(), .problem = {}, .hint = {}};
  if (log.empty()) scanned.problem = "is empty: there is no log to read";
  if (const auto kind = log.other_than_a_log(scanned.findings); !kind.empty()) {
    scanned.problem = fmt::format("is {} and no log", kind);
    scanned.hint = crash::binary_hint(kind);
  }
  scanned.kernel_spoke = log.kernel_spoke();
  if (log.too_long())
    say(fmt::format("{} decompresses to more than 1 GiB: only that much was read", printable(file.name)));
  return scanned;
}

void say_no_kernel(const std::string& name) {
  say(fmt::format("{}: no line is recognisably a kernel's, so there may be nothing to find in it",
                  printable(name)));
}

// A file by itself must be a log; of a folder's files one must be, and the others are named.
Result<std::vector<Reported>> scan_files(const std::string& path, std::optional<crash::Os> os,
                                         const std::vector<crash::Signature>& signatures) {
  const auto files = logs::log_files(path);
  if (!files) return fail(files.error());
  const bool folder = files->size() != 1 || files->front().name != path;
  std::vector<Reported> all;
  bool any_log = false, kernel_spoke = os == crash::Os::windows;
  for (const logs::LogFile& each : *files) {
    auto scanned = scan_one(each, os, signatures);
    if (!scanned) return fail(scanned.error());
    if (!scanned->problem.empty()) {
      const std::string name = each.name == "-" ? "standard input" : each.name;
      if (!folder) return input_error(scanned->problem, name, scanned->hint);
      say(fmt::format("{} {}: skipped", printable(name), scanned->problem));
      continue;
    }
    any_log = true;
    kernel_spoke = kernel_spoke || scanned->kernel_spoke || !scanned->findings.empty();
    for (auto& finding : scanned->findings) all.push_back({std::move(finding), folder ? each.name : "", {}});
  }
  if (!any_log) return input_error("holds no log", path);
  if (!kernel_spoke) say_no_kernel(path);
  return all;
}

void print_all(const std::vector<Reported>& all) {
  for (const Reported& each : all) {
    print((each.file.empty() ? "" : printable(each.file) + ":") + line(each.finding));
    for (const auto& place : each.places) print("    " + printable(place, 500) + "\n");
  }
}

int scan(const ScanOptions& options) {
  const auto& [file, os_name, signature_file, json, debug] = options;
  std::vector<crash::Signature> signatures;
  if (!signature_file.empty()) {
    auto text = load_signatures(signature_file);
    if (!text) return exit_code::bad_input;
    signatures = scenario::load_signatures(*text, signature_file).all;
  }
  std::optional<crash::Os> os;
  for (const auto known : {crash::Os::linux_, crash::Os::windows})
    if (os_name == crash::to_string(known)) os = known;
  auto scanned = scan_files(file, os, signatures);
  if (!scanned) return report_error(scanned.error());
  std::vector<Reported>& all = *scanned;
  if (const auto found = look_up(all, debug); !found) return report_error(found.error());
  if (json)
    print_json(dump_pretty(describe(all)));
  else
    print_all(all);
  const bool counts = std::any_of(all.begin(), all.end(),
                                  [](const Reported& each) { return each.finding.suppressed.empty(); });
  return counts ? 1 : 0;
}

}  // namespace

void add_scan(CommandLine& command_line) {
  const auto options = std::make_shared<ScanOptions>();
  auto verb = command_line.verb("scan",
                                {.summary = "Name the crashes in a console log or a dump",
                                 .group = group::crashes,
                                 .examples = "labctl scan console.log\n"
                                             "journalctl -k | labctl scan - --os linux --json\n"
                                             "labctl scan MEMORY.DMP",
                                 .exit_codes = "0    no crash was found\n"
                                               "1    a crash was found\n"
                                               "2    the file cannot be read, or bad usage"},
                                options, scan);
  verb.option("FILE", options->file, "A log or a Windows crash dump, or - for standard input",
              {.required = true});
  verb.option("--signatures", options->signatures, "Also look for the patterns of this file",
              {.value = "FILE"});
  add_symbols_option(verb, options->debug);
  verb.option("--os", options->os, "Guest OS that produced the log",
              {.show_default = true, .one_of = {"linux", "windows", "auto"}});
  verb.flag("--json", options->json, "For programs");
}

}  // namespace labctl::cli
