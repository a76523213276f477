#include "promises.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/engine/message.h"
#include "labctl/crash/engine/rules.h"
#include "labctl/crash/log.h"

namespace labctl::crash {
namespace {

constexpr std::size_t line_limit = 8192;      // a longer line is read in pieces
constexpr std::size_t excerpt_limit = 16384;  // of a finding
constexpr std::size_t title_limit = 512;

// The careful parse without the quick test in front of it: every pattern meets every message.
class Patterns {
 public:
  Patterns() {
    for (const auto rules : {firmware_rules(), recovery_rules(), linux_rules(), complaint_rules()}) {
      for (const Rule& rule : rules) {
        auto& set = rule.head.empty()                 ? anywhere_
                    : (rule.flags & userspace) != 0   ? userspace_
                    : (rule.flags & kernel_only) != 0 ? kernel_
                                                      : front_;
        std::string error;
        if (set->Add(rule.pattern, &error) < 0) throw std::logic_error(error);
      }
    }
    for (const auto* set : {&front_, &userspace_, &kernel_, &anywhere_}) {
      if (!(*set)->Compile()) throw std::logic_error("the patterns do not fit into one set");
    }
  }

  bool match(const Message& message) const {
    const re2::StringPiece text(message.text.data(), message.text.size());
    return (message.anchored && front_->Match(text, nullptr)) ||
           (message.anchored && !message.kernel && userspace_->Match(text, nullptr)) ||
           (message.anchored && message.kernel && kernel_->Match(text, nullptr)) ||
           anywhere_->Match(text, nullptr);
  }

 private:
  static std::unique_ptr<RE2::Set> set(RE2::Anchor anchor) {
    RE2::Options options(RE2::Latin1);
    options.set_max_mem(256 << 20);
    return std::make_unique<RE2::Set>(options, anchor);
  }
  std::unique_ptr<RE2::Set> front_ = set(RE2::ANCHOR_START);
  std::unique_ptr<RE2::Set> userspace_ = set(RE2::ANCHOR_START);
  std::unique_ptr<RE2::Set> kernel_ = set(RE2::ANCHOR_START);
  std::unique_ptr<RE2::Set> anywhere_ = set(RE2::UNANCHORED);
};

// What a reader of the whole log sees without any of the scanner's state.
struct Reading {
  bool long_line = false;     // the rest says nothing then
  bool callers = false;       // two reports may be open at once
  bool headers = false;       // of whatever sort
  bool sure_headers = false;  // that are a finding whatever follows
  std::string mistake;
};

void read_line(std::string_view raw, bool& kernel, Reading& reading) {
  static const Patterns patterns;
  const Rules& rules = Rules::of({});
  std::string store;
  std::vector<Message> messages;
  split_messages(without_controls(raw, store), false, messages);
  for (Message& message : messages) {
    kernel = message.kernel = message.kernel || kernel;
    reading.callers = reading.callers || !message.caller.empty();
    const auto heading = rules.header(message);
    if (heading.has_value() != patterns.match(message)) {
      reading.mistake = "quick test and careful parse disagree about '" + std::string(message.text) + "'";
    }
    reading.headers = reading.headers || heading;
    reading.sure_headers =
        reading.sure_headers || (heading && !heading->doubtful && (heading->rule->flags & needs_body) == 0);
  }
}

Reading read(std::string_view log) {
  Reading reading;
  bool kernel = false;
  while (!log.empty() && !reading.long_line && reading.mistake.empty()) {
    const std::size_t end = std::min(log.find_first_of("\r\n"), log.size());
    reading.long_line = end > line_limit;
    if (!reading.long_line) read_line(log.substr(0, end), kernel, reading);
    if (end < log.size() && log[end] == '\n') kernel = false;
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  return reading;
}

// `torn`: told at a silence, so the first line may have been read before it was complete.
std::string about(const Finding& finding, std::string_view log, bool torn = false) {
  static const RE2 address("\\b0x[0-9a-fA-F]{3,}|\\b(?:[0-9a-f]{16}|[0-9a-f]{8})\\b", RE2::Latin1);
  const auto bad = [](char c) { return c < ' ' || c > '~'; };
  if (finding.title.empty()) return "no title";
  if (finding.title.size() > title_limit) return "a title without end";
  if (std::any_of(finding.title.begin(), finding.title.end(), bad)) return "odd bytes in a title";
  const bool numbered =
      finding.kind == Kind::stop_code || finding.title.find("boot manager error") != std::string::npos;
  if (!numbered && RE2::PartialMatch(finding.title, address))
    return "an address in the title '" + finding.title + "'";
  if (finding.module.size() > 64 || std::any_of(finding.module.begin(), finding.module.end(), bad))
    return "an odd module";
  if (finding.excerpt.size() > excerpt_limit) return "an excerpt without end";
  if (finding.offset >= log.size()) return "an offset behind the log";
  const auto begin = log.begin() + static_cast<std::ptrdiff_t>(finding.offset);
  if (finding.line != 1 + static_cast<std::uint64_t>(std::count(log.begin(), begin, '\n'))) {
    return "line and offset disagree";
  }
  std::string_view first = log.substr(finding.offset);
  first = first.substr(0, std::min<std::size_t>(first.find_first_of("\r\n"), 512));
  if (torn) first = first.substr(0, std::min(finding.excerpt.find('\n'), finding.excerpt.size()));
  if (!finding.excerpt.starts_with(first)) return "the excerpt does not begin at the offset";
  return {};
}

bool any_fatal(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& each) { return each.severity == Severity::fatal; });
}

// A loop of the firmware has no header: it is told for what does not come in between. Nor has what lost it.
bool loops(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& each) {
    return each.title == "boot failure: firmware starts over and over" ||
           each.title.starts_with("oops (header lost)");
  });
}

// The log in pieces of random sizes, most of them small; `between` is called behind each.
std::vector<Finding> feed(Scanner& scanner, std::string_view log, unsigned seed,
                          const std::function<void(std::vector<Finding>&)>& between) {
  std::minstd_rand random(seed);
  std::vector<Finding> findings;
  const auto keep = [&](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  };
  while (!log.empty()) {
    const std::size_t limit = std::size_t{1} << (random() % 13);
    const std::size_t size = std::min<std::size_t>(log.size(), 1 + random() % limit);
    keep(scanner.feed(log.substr(0, size)));
    log.remove_prefix(size);
    between(findings);
  }
  keep(scanner.flush());
  return findings;
}

std::string about_pieces(std::string_view log, std::optional<Os> os, unsigned seed,
                         const std::vector<Finding>& whole) {
  Scanner at_once(os), in_pieces(os);
  at_once.feed(log);
  if (feed(in_pieces, log, seed, [](auto&) {}) != whole) return "other findings when fed in pieces";
  if (at_once.kernel_starts() != in_pieces.kernel_starts()) return "other boots when fed in pieces";
  if (at_once.last_line() != in_pieces.last_line()) return "another last line when fed in pieces";
  if (in_pieces.last_line().size() > 512) return "a last line without end";
  return {};
}

std::string about_silences(std::string_view log, std::optional<Os> os, unsigned seed,
                           const std::vector<Finding>& whole) {
  Scanner scanner(os);
  std::minstd_rand random(seed);
  std::string mistake;
  const auto findings = feed(scanner, log, seed, [&](std::vector<Finding>& told) {
    if (random() % 4 != 0) return;
    const bool pending = scanner.pending();
    auto more = scanner.flush();
    if (!pending && !more.empty()) mistake = "a flush tells what was not pending";
    std::move(more.begin(), more.end(), std::back_inserter(told));
    if (scanner.pending()) mistake = "something is pending behind a flush";
    if (!scanner.flush().empty()) mistake = "a second flush tells more";
  });
  if (!mistake.empty()) return mistake;
  if (findings.empty() && !whole.empty()) return "a silence hides every finding";
  if (!any_fatal(findings) && any_fatal(whole)) return "a silence hides what is fatal";
  for (const Finding& each : findings) {
    if (std::string wrong = about(each, log, true); !wrong.empty()) return wrong + ", after a silence";
  }
  return {};
}

// A log whose form is not known: what stands there as it is stays found.
std::string about_forms(std::string_view log, std::optional<Os> os, unsigned seed,
                        const std::vector<Finding>& whole) {
  LogScanner at_once(os), in_pieces(os);
  at_once.feed(log);
  std::minstd_rand random(seed);
  for (std::string_view rest = log; !rest.empty();) {
    const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 300);
    in_pieces.feed(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  const auto findings = at_once.finish();
  if (findings != in_pieces.finish()) return "other findings of a form when fed in pieces";
  if (findings.empty() && !whole.empty()) return "a form hides every finding";
  if (!any_fatal(findings) && any_fatal(whole)) return "a form hides what is fatal";
  return {};
}

}  // namespace

std::string broken_promise(std::string_view log) {
  const auto seed = static_cast<unsigned>(std::hash<std::string_view>{}(log));
  const Reading reading = read(log);
  if (!reading.mistake.empty()) return reading.mistake;
  for (const std::optional<Os> os :
       {std::optional(Os::linux_), std::optional<Os>(), std::optional(Os::windows)}) {
    const std::vector<Finding> whole = scan(log, os);
    for (const Finding& each : whole) {
      if (std::string wrong = about(each, log); !wrong.empty()) return wrong;
    }
    if (os == Os::linux_ && !reading.long_line && !loops(whole)) {
      if (!whole.empty() && !reading.headers) return "a finding without a header";
      if (whole.empty() && reading.sure_headers) return "a header without a finding";
      const auto earlier = [](const Finding& a, const Finding& b) { return a.offset < b.offset; };
      if (!reading.callers && !std::is_sorted(whole.begin(), whole.end(), earlier)) return "out of order";
    }
    if (std::string wrong = about_pieces(log, os, seed, whole); !wrong.empty()) return wrong;
    if (std::string wrong = about_forms(log, os, seed, whole); !wrong.empty()) return wrong;
    if (std::string wrong = about_silences(log, os, seed, whole); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace labctl::crash
