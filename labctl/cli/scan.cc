#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/debug_option.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/verbs.h"
#include "labctl/crash/binary.h"
#include "labctl/crash/crash.h"
#include "labctl/crash/frames.h"
#include "labctl/crash/log.h"
#include "labctl/crash/windows/dump.h"
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

// The places of each finding as lines of source, in the findings' order; nothing without debug files.
using Places = std::vector<std::vector<std::string>>;

Result<Places> look_up(const std::vector<crash::Finding>& findings, const std::vector<std::string>& debug) {
  Places places(findings.size());
  if (debug.empty()) return places;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    auto lines =
        symbolize::source_lines(crash::module_frames(findings[i].excerpt), {debug.begin(), debug.end()});
    if (!lines) return fail(lines.error());
    places[i] = std::move(*lines);
  }
  return places;
}

Json describe(const std::vector<crash::Finding>& findings, const Places& places) {
  Json list = Json::array();
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const auto& f = findings[i];
    Json item{{"title", f.title},
              {"kind", crash::to_string(f.kind)},
              {"severity", crash::to_string(f.severity)},
              {"module", f.module},
              {"offset", f.offset},
              {"line", f.line},
              {"corrupted", f.corrupted}};
    if (!f.confirmed) item["confirmed"] = false;
    if (!f.suppressed.empty()) item["suppressed"] = f.suppressed;
    if (!places[i].empty()) item["places"] = places[i];
    list.push_back(std::move(item));
  }
  return {{"findings", list}};
}

// A dump has no lines; its numbers are told instead.
std::string line(const crash::Finding& f) {
  std::string text = (f.line == 0 ? printable(f.excerpt) : std::to_string(f.line)) + ": " +
                     printable(f.title) + " (" + crash::to_string(f.kind) + ", " +
                     crash::to_string(f.severity);
  if (!f.module.empty()) text += ", in module " + printable(f.module, 60);
  if (!f.confirmed) text += ", only this line, no report behind it";
  if (!f.corrupted.empty()) text += ", torn: " + f.corrupted;
  if (!f.suppressed.empty()) text += ", suppressed: " + f.suppressed;
  return text + ")\n";
}

// The rest of a file that began like a dump: its head, and how long it is.
crash::Finding read_dump(std::FILE* input, std::string head) {
  std::string block(1u << 18, '\0');
  std::uint64_t size = head.size();
  while (std::size_t got = std::fread(block.data(), 1, block.size(), input)) {
    if (head.size() < crash::dump_head) head.append(block, 0, got);
    size += got;
  }
  return crash::finding_of(*crash::read_dump(head, size));
}

// A guest chooses the first bytes of its console, and they may not hide a crash behind them. A program that
// only holds the messages of a kernel has no report behind any of them.
bool any_whole(const std::vector<crash::Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const auto& finding) { return finding.confirmed && finding.corrupted.empty(); });
}

int scan(const ScanOptions& options) {
  const auto& [file, os, signature_file, json, debug] = options;
  std::vector<crash::Signature> signatures;
  if (!signature_file.empty()) {
    auto text = load_signatures(signature_file);
    if (!text) return exit_code::bad_input;
    signatures = scenario::load_signatures(*text, signature_file).all;
  }
  std::FILE* input = file == "-" ? stdin : std::fopen(file.c_str(), "rbe");
  if (!input)
    return complain(Error{Fault::input, std::string("cannot open: ") + std::strerror(errno), file, {}});
  crash::LogScanner scanner(os == "linux"     ? crash::Os::linux_
                            : os == "windows" ? crash::Os::windows
                                              : crash::Os::automatic,
                            signatures);
  std::vector<crash::Finding> findings;
  auto add = [&](std::vector<crash::Finding> more) {
    for (auto& finding : more) findings.push_back(std::move(finding));
  };
  std::string block(1u << 18, '\0');
  std::string_view kind;
  bool first = true;
  while (std::size_t got = std::fread(block.data(), 1, block.size(), input)) {
    const std::string_view read(block.data(), got);
    const bool head = std::exchange(first, false);
    if (head) kind = crash::binary_kind(read);
    if (head && crash::is_dump(read))
      add({read_dump(input, std::string(read))});
    else
      scanner.feed(read);
  }
  const bool broken = std::ferror(input) != 0;
  if (input != stdin) std::fclose(input);
  const std::string name = file == "-" ? "standard input" : file;
  if (broken) return complain(Error{Fault::input, "cannot be read", name, {}});
  if (first) return complain(Error{Fault::input, "is empty: there is no log to read", name, {}});
  add(scanner.finish());
  if (!kind.empty() && !any_whole(findings))
    return complain(Error{Fault::input, "is " + std::string(kind) + " and no log", name,
                          "extract the text and scan that"});
  const auto places = look_up(findings, debug);
  if (!places) return complain(places.error());
  if (json) print_json(dump_pretty(describe(findings, *places)));
  for (std::size_t i = 0; !json && i < findings.size(); ++i) {
    print(line(findings[i]));
    for (const auto& place : (*places)[i]) print("    " + printable(place, 500) + "\n");
  }
  std::size_t counting = 0;
  for (const auto& finding : findings) counting += finding.suppressed.empty();
  return counting == 0 ? 0 : 1;
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
  add_debug_option(verb, options->debug);
  verb.option("--os", options->os, "Guest OS that produced the log",
              {.show_default = true, .one_of = {"linux", "windows", "auto"}});
  verb.flag("--json", options->json, "For programs");
}

}  // namespace labctl::cli
