// The readings of one log: the text as it stands, and a branch for each form that was recognised in it, which
// is text again and may have a form of its own (a terminal's lines in a container's log in JSON).
#include "labctl/crash/log.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <string>
#include <utility>

#include "labctl/crash/dialects/dialect.h"
#include "labctl/crash/engine/lines.h"
#include "labctl/crash/engine/message.h"
#include "labctl/crash/forms/form.h"
#include "labctl/crash/windows/setup_log.h"
#include "labctl/crash/windows/stop_text.h"

namespace labctl::crash {
namespace {

constexpr std::size_t watched_lines = 128;  // that a form is given again when it is recognised
constexpr std::size_t most_branches = 8;
constexpr std::size_t traced_lines = 4096;  // a report is no longer
constexpr std::size_t most_findings = 4096;

constexpr std::array kinds{
    FormKind{"json", json_form},       FormKind{"export", export_form},   FormKind{"kmsg", kmsg_form},
    FormKind{"markup", markup_form},   FormKind{"stamped", stamped_form}, FormKind{"prefix", prefix_form},
    FormKind{"wrapped", wrapped_form}, FormKind{"words", words_form},     FormKind{"twice", twice_form}};

struct Found {
  Finding finding;
  std::uint64_t last_line = 0;  // of its excerpt
};

struct Shared {
  std::optional<Os> os = {};
  std::vector<Signature> signatures;
  std::size_t branches = 0;
  bool kernel = false;       // a line was a kernel's
  std::vector<Found> found;  // by branches only
};

bool says_kernel(std::string_view text) {
  const std::size_t bracket = text.find('[');
  return (bracket != std::string_view::npos && timestamp_length(text.substr(bracket)) != 0) ||
         text.find("kernel: ") != std::string_view::npos || text.starts_with("Linux version ");
}

// Text that came out of a form.
class Text {
 public:
  Text(Shared& shared, unsigned used, bool scanned);

  void line(std::string_view text, Origin origin);
  void finish();

 private:
  struct Branch {
    unsigned kind = 0;
    std::unique_ptr<Form> form;
    std::unique_ptr<Text> text;  // once the form is recognised
  };

  void forms(const Row& row);
  void open(Branch& branch);
  void keep(const Row& row);
  void take(std::vector<Finding> findings);
  StopText::Tell teller();

  Shared& shared_;
  unsigned used_;  // kinds of forms that this text came through
  std::unique_ptr<Scanner> scanner_;
  StopText stops_;
  SetupLog setup_;
  std::uint64_t lines_ = 0;     // given to the scanner
  std::deque<Origin> origins_;  // of the last of them
  std::vector<Branch> branches_;
  std::vector<std::pair<std::string, Origin>> watched_;  // a ring
  std::size_t next_ = 0;
  std::string cleaned_;
};

Text::Text(Shared& shared, unsigned used, bool scanned) : shared_(shared), used_(used) {
  if (scanned) scanner_ = std::make_unique<Scanner>(shared.os, shared.signatures);
  for (unsigned kind = 0; kind < kinds.size(); ++kind) {
    if ((used & (1U << kind)) == 0) branches_.push_back({kind, kinds[kind].make(), nullptr});
  }
}

void Text::line(std::string_view text, Origin origin) {
  if (scanner_) {
    ++lines_;
    origins_.push_back(origin);
    if (origins_.size() > traced_lines) origins_.pop_front();
    take(scanner_->feed(text));
    take(scanner_->feed("\n"));
  }
  if (text.empty()) return;
  const Row row{without_controls(text, cleaned_), origin};
  shared_.kernel = shared_.kernel || says_kernel(row.text);
  if (shared_.os != Os::linux_ && timestamp_length(row.text) == 0) {
    stops_.line(row.text, row.origin, teller());
    setup_.line(row.text, row.origin, teller());
  }
  forms(row);
}

StopText::Tell Text::teller() {
  return [this](Finding finding, std::uint64_t last) {
    const auto same = [&](const Found& other) {
      return other.finding.title == finding.title && other.finding.module == finding.module;
    };
    if (shared_.found.size() < most_findings &&
        std::none_of(shared_.found.begin(), shared_.found.end(), same))
      shared_.found.push_back({std::move(finding), last});
  };
}

void Text::forms(const Row& row) {
  for (Branch& branch : branches_) {
    if (branch.text) {
      Text& child = *branch.text;
      branch.form->read(row, [&](std::string_view text, Origin origin) { child.line(text, origin); });
    }
  }
  keep(row);
  for (Branch& branch : branches_) {
    if (!branch.text && branch.form->watch(row) && shared_.branches < most_branches) open(branch);
  }
}

void Text::open(Branch& branch) {
  ++shared_.branches;
  branch.text = std::make_unique<Text>(shared_, used_ | (1U << branch.kind), true);
  Text& child = *branch.text;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const auto& [text, origin] = watched_[(next_ + i) % watched_.size()];
    branch.form->read({text, origin}, [&](std::string_view out, Origin from) { child.line(out, from); });
  }
}

void Text::keep(const Row& row) {
  if (watched_.size() < watched_lines) {
    watched_.emplace_back(row.text, row.origin);
    return;
  }
  watched_[next_].first = row.text;
  watched_[next_].second = row.origin;
  next_ = (next_ + 1) % watched_lines;
}

// From places in this text to places in the bytes.
void Text::take(std::vector<Finding> findings) {
  for (Finding& each : findings) {
    if (shared_.found.size() >= most_findings) return;
    const std::uint64_t first = lines_ + 1 - origins_.size();
    const auto at = [&](std::uint64_t line) {
      return origins_[std::clamp<std::uint64_t>(line, first, lines_) - first];
    };
    const auto rows = static_cast<std::uint64_t>(std::count(each.excerpt.begin(), each.excerpt.end(), '\n'));
    const std::uint64_t last = at(each.line + (rows == 0 ? 0 : rows - 1)).line;
    const Origin origin = at(each.line);
    each.offset = origin.offset;
    each.line = origin.line;
    shared_.found.push_back({std::move(each), last});
  }
}

void Text::finish() {
  for (Branch& branch : branches_) {
    if (!branch.text) continue;
    Text& child = *branch.text;
    branch.form->finish([&](std::string_view text, Origin origin) { child.line(text, origin); });
    child.finish();
  }
  if (scanner_) take(scanner_->flush());
  stops_.finish(teller());
  setup_.finish(teller());
}

unsigned weight(const Finding& finding) {
  return (finding.severity == Severity::fatal && finding.suppressed.empty() ? 8U : 0U) +
         (finding.confirmed ? 4U : 0U) + (finding.corrupted.empty() ? 2U : 0U) +
         (finding.module.empty() ? 0U : 1U);
}

// Two readings of the same lines tell of one crash. The one that says more stays; of equals, the one that
// begins earlier, for it has seen the header.
bool same_crash(const Found& a, const Found& b) {
  if (a.finding.title == b.finding.title && a.finding.module == b.finding.module &&
      a.finding.severity == b.finding.severity)
    return true;
  const std::string &one = a.finding.module, &other = b.finding.module;
  // The last line of a panic, which one reading has not put to its first.
  if (a.finding.title == b.finding.title && other.empty() && !b.finding.confirmed) return true;
  return a.finding.line <= b.last_line && b.finding.line <= a.last_line &&
         (one == other || one.empty() || other.empty() || a.finding.title == b.finding.title);
}

// `form`: the better one was read through a form, the other as it stands or through another.
bool hides(const Found& better, const Found& other, bool form) {
  const unsigned a = weight(better.finding), b = weight(other.finding);
  // A warning whose header and registers are broken over lines looks like an oops without a header.
  if (form && other.finding.title.starts_with(lost_header_rule().title) && b > a && same_crash(better, other))
    return better.finding.confirmed && better.finding.corrupted.empty();
  if (a / 8 < b / 8 || !same_crash(better, other)) return false;
  if (a != b || better.finding.line != other.finding.line)
    return a > b || (a == b && better.finding.line < other.finding.line);
  return !form || better.finding.title != other.finding.title;
}

}  // namespace

// Whether a kernel's command line asks for a shell on the way up.
bool asks_for_shell(std::string_view line) {
  static const RE2 wanted(
      R"( (?:rd\.break(?:=\S*)?|break(?:=\S*)?|rescue|emergency|single|systemd\.unit=(?:rescue|emergency)\.target|init=/bin/\w*sh)(?: |$))",
      RE2::Latin1);
  return RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), wanted);
}

// A prompt that was asked for; what tells why it could not go on counts all the same.
bool only_a_shell(const Finding& finding) {
  const std::string& title = finding.title;
  const bool shell = title == "boot failure: initramfs shell" || title == "boot failure: emergency mode" ||
                     title == "boot failure: rescue mode";
  static const RE2 reason(
      "ALERT!|Gave up|not exist|[Ff]ailed|FATAL|Could not|could not|No init|error occurred", RE2::Latin1);
  return shell && !RE2::PartialMatch(finding.excerpt, reason);
}

struct LogScanner::State {
  State(std::optional<Os> os, const std::vector<Signature>& signatures) : raw(os, signatures) {
    shared.os = os;
    shared.signatures = signatures;
  }

  void take(std::vector<Finding> findings) {
    for (Finding& each : findings) {
      constexpr std::ptrdiff_t open_reports = 64;  // no more can still grow
      const auto since = found.size() > open_reports ? found.end() - open_reports : found.begin();
      const auto again = std::find_if(since, found.end(), [&](const Found& other) {
        return other.finding.offset == each.offset && other.finding.title == each.title;
      });
      if (again != found.end()) {  // reported again, confirmed
        again->finding = std::move(each);
        continue;
      }
      const auto rows =
          static_cast<std::uint64_t>(std::count(each.excerpt.begin(), each.excerpt.end(), '\n'));
      const std::uint64_t last = each.line + (rows == 0 ? 0 : rows - 1);
      found.push_back({std::move(each), last});
    }
  }

  void command_line(std::string_view words, std::uint64_t line) {
    const std::size_t at = words.find("ommand line: ");
    if (at == std::string_view::npos) return;
    const bool asks = asks_for_shell(words.substr(at));
    if (!asks && (asked.empty() || !asked.back().second)) return;
    if (asked.size() < most_findings) asked.emplace_back(line, asks);
  }

  // By the command line of the boot that it belongs to.
  void excuse(Finding& finding) const {
    if (!only_a_shell(finding) || !finding.suppressed.empty()) return;
    const auto after =
        std::upper_bound(asked.begin(), asked.end(), finding.line,
                         [](std::uint64_t line, const auto& each) { return line < each.first; });
    if (after != asked.begin() && std::prev(after)->second)
      finding.suppressed = "the kernel's command line asks for a shell";
  }

  // Each reading has reported its own crashes once; what two readings see is compared.
  std::vector<Finding> merged() {
    std::vector<Finding> findings;
    const std::vector<Found>& others = shared.found;
    std::vector<bool> gone(others.size());
    for (std::size_t i = 0; i < others.size(); ++i) {
      for (std::size_t j = 0; j < others.size() && !gone[i]; ++j)
        gone[i] = i != j && !gone[j] && hides(others[j], others[i], i < j);
      for (std::size_t j = 0; j < found.size() && !gone[i]; ++j)
        gone[i] = hides(found[j], others[i], false) && !hides(others[i], found[j], true);
    }
    for (const Found& each : found) {
      bool hidden = false;
      for (std::size_t j = 0; j < others.size() && !hidden; ++j)
        hidden = !gone[j] && hides(others[j], each, true);
      if (!hidden) findings.push_back(each.finding);
    }
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (!gone[i]) findings.push_back(others[i].finding);
    }
    for (Finding& each : findings) excuse(each);
    std::stable_sort(findings.begin(), findings.end(),
                     [](const Finding& a, const Finding& b) { return a.offset < b.offset; });
    return findings;
  }

  Scanner raw;  // the bytes as they stand
  std::vector<Found> found;
  std::vector<std::pair<std::uint64_t, bool>>
      asked;  // lines with a command line: whether it asks for a shell
  Lines lines;
  Shared shared;
  Text text{shared, 0, false};
};

LogScanner::LogScanner(std::optional<Os> os, const std::vector<Signature>& signatures)
    : state_(std::make_unique<State>(os, signatures)) {}
LogScanner::~LogScanner() = default;
LogScanner::LogScanner(LogScanner&&) noexcept = default;
LogScanner& LogScanner::operator=(LogScanner&&) noexcept = default;

void LogScanner::feed(std::string_view bytes) {
  state_->take(state_->raw.feed(bytes));
  state_->lines.feed(bytes, [this](const Lines::Line& line) {
    state_->command_line(line.text, line.number);
    state_->text.line(line.text, {line.offset, line.number});
  });
}

std::vector<Finding> LogScanner::finish() {
  state_->take(state_->raw.flush());
  const Lines::Line last = state_->lines.partial();
  if (!last.text.empty()) state_->text.line(last.text, {last.offset, last.number});
  state_->text.finish();
  return state_->merged();
}

bool LogScanner::kernel_spoke() const { return state_->shared.kernel; }

}  // namespace labctl::crash
