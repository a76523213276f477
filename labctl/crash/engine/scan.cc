// From bytes to findings.
//
//   chunks -> lines -> messages -> reports -> findings
//
// A console is a stream of bytes that anything may have written. It is cut into lines at LF and CR (a CR also
// ends what a progress display redraws), and only the unfinished line is kept between two chunks, so that
// chunks may be split anywhere. Lines are bounded: a longer one is worked on piece by piece.
//
// A line is cleaned of control bytes and split into messages: a kernel's timestamp begins a message wherever
// it stands, because another processor may print into a line. Behind the timestamp and its relatives begin
// the kernel's own words, and a header is looked for there and nowhere else: drivers put their name in front
// of what they say, so "sensor: no panic, BUG: none" begins no report. The test is cheap: the first byte
// chooses a short list of literals, and only a line that begins with one of them meets a regular expression.
//
// A header opens a report. The lines behind it are its body, until its end marker, a run of lines that have
// nothing to do with it, another header, or the next boot. Some headers belong to the report that is open
// ("Oops: 0000 [#1]" behind "BUG: unable to handle page fault", "Kernel panic - Fatal exception" behind
// both): the cause is the finding. Mixed reports are read apart by the task that the kernel names, and where
// it names none, by what their lines prove (mixed.h).
//
// A body proves that the kernel wrote it: a driver can print a header, but hardly the processor, the
// registers and the trace that go with it. Without a proof the finding is unconfirmed.
//
// Windows has a reader of its own beside this (windows.h). When nobody says whose log it is, it reads
// wherever no Linux kernel has spoken for a while: what a kernel logs about Windows is not Windows.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "labctl/crash/crash.h"
#include "labctl/crash/engine/boot_loop.h"
#include "labctl/crash/engine/lines.h"
#include "labctl/crash/engine/message.h"
#include "labctl/crash/engine/mixed.h"
#include "labctl/crash/engine/report.h"
#include "labctl/crash/engine/rules.h"
#include "labctl/crash/engine/signatures.h"
#include "labctl/crash/windows/windows.h"

namespace labctl::crash {
namespace {

constexpr std::size_t open_limit = 4;
constexpr std::size_t told_limit = 512;
constexpr unsigned prelude_life = 10;  // lines from "cut here" to the header
constexpr double prelude_seconds = 2;  // the same, where the kernel tells the time
constexpr unsigned one_failure = 60;   // lines in which a failed boot says so again
constexpr unsigned aftermath = 60;     // lines between a report's end and the panic that it led to
constexpr unsigned linux_voice = 50;   // lines after a kernel's that are not read as Windows'

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// A prelude and the lines since.
struct Lead {
  const Prelude* prelude = nullptr;
  Start start;
  double time = 0;  // 0 when it is not known
  unsigned age = 0;
};

}  // namespace

struct Scanner::State {
  State(std::optional<Os> system, const std::vector<Signature>& own)
      : os(system), rules(Rules::of(system)), windows(system == Os::windows) {
    if (!own.empty()) signatures = std::make_shared<const Signatures>(own);
  }

  void feed(std::string_view bytes);
  void flush();
  bool pending() const;

  void read_line(const Lines::Line& next);
  void other_voices(std::string_view raw, std::string_view clean);
  void firmware(std::string_view text);
  bool hears_windows() const { return os == Os::windows || (!os && (deaf == 0 || windows.reading())); }
  bool partial_header() const;
  bool unread() const;
  // Messages to reports.
  void message(const Message& message);
  void own_signatures(const Message& message);
  void header(Heading heading, const Message& message);
  bool absorbed(const Heading& heading, const Message& message, Report& current, bool consequence);
  void open(Heading heading, const Message& message);
  void open_beside(std::ptrdiff_t first, Heading heading, const Message& message);
  void without_header(const Message& message);
  void body(const Message& message);
  void boot();
  Report* report_of(const Message& message);

  // Reports to findings.
  void sweep();
  void close(std::size_t index);
  void close_all();
  void tell_reports();
  void tell_all();
  void tell(Report& report);
  void announce(Finding finding);
  void announce_here(Finding finding);  // it is the line that is being read
  void announce_all(std::vector<Finding> several) {
    for (Finding& each : several) announce(std::move(each));
  }

  const std::optional<Os> os;
  const Rules& rules;
  std::shared_ptr<const Signatures> signatures;  // of the user; often none
  std::string noise;                             // why the message that is being read is known noise
  Lines lines;
  bool kernel_line = false;  // a kernel has spoken since the last LF
  bool peeking = false;      // reading a line that has not ended
  bool peeked = false;       // the line that has not ended was read at a flush as it is now

  Lines::Line now;  // the line that is being read
  std::vector<Message> messages;
  std::string cleaned;
  Lead lead;
  std::vector<Report> reports;
  std::optional<Mixed> mixed;  // the last of them and one that may go on beside it
  WindowsReader windows;
  BootLoop boot_loop;
  unsigned deaf = 0;                           // lines that are not read as Windows'
  std::unordered_map<std::string, bool> told;  // titles of this boot, and whether they were confirmed
  unsigned since_fatal = aftermath;
  unsigned since_failure = one_failure;
  std::string failure;               // title of the last failure to boot
  std::optional<Finding> once_seen;  // of a rule whose line must come again
  bool panicked = false;
  std::uint64_t starts = 0;
  std::vector<Finding> findings;
};

void Scanner::State::feed(std::string_view bytes) {
  if (!bytes.empty()) peeked = false;
  lines.feed(bytes, [this](const Lines::Line& each) { read_line(each); });
}

void Scanner::State::read_line(const Lines::Line& next) {
  if (next.number != now.number) kernel_line = false;
  now = next;
  const std::string_view raw = now.text;
  const std::string_view clean = without_controls(raw, cleaned);
  split_messages(clean, now.continued, messages);
  bool kernel = false;
  for (Message& each : messages) {
    kernel = kernel || each.kernel;
    // A CR inside a driver's message makes nobody else of the speaker.
    kernel_line = each.kernel = each.kernel || kernel_line;
    message(each);
  }
  if (kernel) {
    boot_loop.reset();
    deaf = linux_voice;
  } else {
    other_voices(raw, clean);
  }
  if (lead.prelude != nullptr) {
    if (++lead.age > prelude_life) lead.prelude = nullptr;
    lead.start.excerpt.append(raw.substr(0, 512)).push_back('\n');
  }
  if (since_fatal < aftermath) ++since_fatal;
  if (since_failure < one_failure) ++since_failure;
  if (reports.empty()) return;
  for (Report& report : reports) report.raw(raw, clean);
  sweep();
}

// Firmware and Windows.
void Scanner::State::other_voices(std::string_view raw, std::string_view clean) {
  if (deaf > 0) --deaf;
  if (messages.empty()) {
    if (!clean.empty()) boot_loop.reset();  // nothing but a login prompt
  } else if (boot_loop.counting() || may_be_firmware(messages.front().text)) {
    firmware(messages.front().text);
  }
  if (!hears_windows() || !windows.concerns(raw, clean)) return;
  std::vector<Finding> told_now;
  const bool boots = windows.line(raw, clean, {now.offset, now.number}, told_now);
  announce_all(std::move(told_now));
  if (boots && !peeking) boot();
}

void Scanner::State::firmware(std::string_view text) {
  if (is_firmware_start(text)) {
    deaf = 0;
    announce_all(windows.close());
  }
  if (auto loop = boot_loop.line(text)) announce_here(std::move(*loop));
}

bool Scanner::State::partial_header() const {
  std::string store;
  std::vector<Message> parts;
  const Lines::Line unfinished = lines.partial();
  split_messages(without_controls(unfinished.text, store), unfinished.continued, parts);
  return std::any_of(parts.begin(), parts.end(), [&](const Message& part) {
    return rules.header(part).has_value() || (signatures && !signatures->match(part).empty());
  });
}

void Scanner::State::message(const Message& message) {
  if (message.time_zero && !message.journal && !peeking && message.text.starts_with("Linux version "))
    return boot();
  if (signatures) own_signatures(message);
  if (auto heading = rules.header(message)) {
    header(std::move(*heading), message);
    return;
  }
  if (message.anchored) {
    if (const Prelude* prelude = rules.prelude(message.text)) {
      // Those of one report stand close together; an endless row of them must not become one.
      if (lead.prelude == nullptr || lead.age > prelude_life / 2)
        lead = Lead{prelude, Start{now.offset, now.number, {}}, stamp_seconds(message.stamp), 0};
      if (*prelude->title != '\0') lead.prelude = prelude;
      return;
    }
  }
  if (report_of(message) == nullptr && message.anchored && message.text.starts_with("CPU: "))
    without_header(message);
  if (!reports.empty()) body(message);
}

// A body that no header stands in front of.
void Scanner::State::without_header(const Message& message) {
  const BodyLine* line = rules.body(message.text);
  if (line != nullptr && line->proof == Proof::cpu) open(Heading{&lost_header_rule(), {}, {}}, message);
}

void Scanner::State::own_signatures(const Message& message) {
  noise.clear();
  for (Finding& found : signatures->match(message)) {
    if (noise.empty()) noise = found.suppressed;
    announce_here(std::move(found));
  }
}

Report* Scanner::State::report_of(const Message& message) {
  if (reports.empty()) return nullptr;
  if (message.caller.empty()) return &reports.back();
  for (Report& report : reports) {
    if (report.caller() == message.caller || report.caller().empty()) return &report;
  }
  return nullptr;
}

bool Scanner::State::absorbed(const Heading& heading, const Message& message, Report& current,
                              bool consequence) {
  const Rule& rule = *heading.rule;
  const bool beside = mixed && mixed->is_second(current);
  if (beside && mixed->first_absorbs(rule, consequence, message.text)) {
    mixed->first_absorb(rule, heading.doubtful);
    if ((rule.flags & panic_end) != 0) close(static_cast<std::size_t>(&current - reports.data()));
    return true;
  }
  // A header that nothing followed led to nothing, except that some kernels panic on it before they print its
  // body.
  const bool its_end =
      consequence && (current.read_anything() || (current.rule().absorbs & bit(rule.group)) != 0 ||
                      message.text.find("panic_on_") != std::string_view::npos);
  const bool own = current.absorbs(rule, its_end);
  if (!own && !(beside && mixed->second_absorbs(rule))) return false;
  current.absorb(rule, heading.doubtful);
  if (beside) mixed->second_absorb(rule, heading.doubtful, !own);
  current.grew();
  return true;
}

void Scanner::State::header(Heading heading, const Message& message) {
  const Rule& rule = *heading.rule;
  const bool panic = (rule.flags & panic_line) != 0;
  const bool consequence = panic && rules.consequence(message.text);
  Report* current = report_of(message);
  if (current == nullptr && consequence && !reports.empty()) current = &reports.back();
  if (current != nullptr && absorbed(heading, message, *current, consequence)) {
    panicked = panicked || panic;
    return;
  }
  const bool known = (consequence && since_fatal < aftermath) || ((rule.flags & panic_end) != 0 && panicked);
  panicked = panicked || panic;
  if (panic && known) return;
  if (current != nullptr && !mixed && message.caller.empty() && Mixed::possible(*current, heading))
    return open_beside(current - reports.data(), std::move(heading), message);
  if (current != nullptr) {
    current->cut();
    close(static_cast<std::size_t>(current - reports.data()));
  }
  open(std::move(heading), message);
}

void Scanner::State::open(Heading heading, const Message& message) {
  if (reports.size() >= open_limit) close(0);
  Start start{now.offset, now.number, {}};
  const Prelude* prelude = lead.prelude;
  if (prelude != nullptr && lead.time > 0 && stamp_seconds(message.stamp) > lead.time + prelude_seconds)
    prelude = nullptr;
  if (prelude != nullptr) start = std::move(lead.start);
  lead = Lead{};
  reports.emplace_back(std::move(heading), prelude, std::move(start), message.caller);
  reports.back().noise = std::exchange(noise, {});
}

void Scanner::State::open_beside(std::ptrdiff_t first, Heading heading, const Message& message) {
  Report aside = std::move(reports[first]);
  reports.erase(reports.begin() + first);
  open(std::move(heading), message);
  if (aside.lines() == 0) aside.raw(now.text, now.text);
  mixed.emplace(std::move(aside), reports.back());
}

void Scanner::State::body(const Message& message) {
  if (says_lost(message.text)) {
    for (Report& report : reports) report.lost();
    if (mixed) mixed->lost();
    return;
  }
  Report* current = report_of(message);
  for (Report& report : reports) {
    if (&report != current) report.ordinary(false);
  }
  if (current == nullptr) return;
  Frame frame;
  const std::string_view text = trimmed(message.text);
  const BodyLine* line_of_body = rules.body(text);
  const bool beside = mixed && mixed->is_second(*current);
  if (line_of_body != nullptr) {
    current->body(*line_of_body, text);
    if (beside) mixed->body(*line_of_body, text);
  } else if (parse_frame(text, frame)) {
    current->frame(frame);
    if (beside) mixed->frame(frame);
  } else {
    // Ordinary messages are never indented; an indented line belongs to something, so it neither proves nor
    // ends.
    if (text.data() == message.text.data()) current->ordinary(true);
    return;
  }
  current->grew();
}

void Scanner::State::boot() {
  close_all();
  announce_all(windows.close());
  ++starts;
  told.clear();
  lead = Lead{};
  since_fatal = aftermath;
  since_failure = one_failure;
  once_seen.reset();
  panicked = false;
}

void Scanner::State::sweep() {
  for (std::size_t index = 0; index < reports.size();) {
    if (reports[index].over()) {
      close(index);
    } else {
      ++index;
    }
  }
}

void Scanner::State::close(std::size_t index) {
  Report report = std::move(reports[index]);
  reports.erase(reports.begin() + static_cast<std::ptrdiff_t>(index));
  if (report.lines() == 0)
    report.raw(now.text, now.text);  // another begins in the very line that this one began in
  if (mixed && mixed->is_second(report)) {
    mixed->settle(report);
    tell(mixed->first());
    mixed.reset();
  }
  tell(report);
}

void Scanner::State::close_all() {
  while (!reports.empty()) close(0);
}

void Scanner::State::tell(Report& report) {
  if (!report.news()) return;
  std::optional<Finding> finding = report.finding();
  if (!finding) return;
  *report.told = {report.told->flushed, true, finding->confirmed, finding->severity};
  if (finding->confirmed && finding->severity == Severity::fatal) since_fatal = 0;
  if (finding->severity == Severity::warning) finding->suppressed = report.noise;
  if ((report.rule().flags & must_repeat) != 0) {
    if (once_seen && once_seen->offset != finding->offset) {
      finding = once_seen;
      finding->confirmed = true;
    } else {
      once_seen = finding;
    }
  }
  announce(std::move(*finding));
}

void Scanner::State::announce(Finding finding) {
  const bool failed = finding.kind == Kind::boot_failure && finding.title.starts_with("boot failure: ");
  if (failed && since_failure < one_failure && finding.title != failure) return;
  if (failed) {
    since_failure = 0;
    failure = finding.title;
  }
  if (told.size() >= told_limit) told.clear();
  const char* const counts = finding.suppressed.empty() ? "" : "suppressed";
  const auto [entry, fresh] = told.try_emplace(
      finding.title + to_string(finding.severity) + counts + finding.module, finding.confirmed);
  if (!fresh && (entry->second || !finding.confirmed)) return;
  entry->second = finding.confirmed;
  findings.push_back(std::move(finding));
}

void Scanner::State::announce_here(Finding finding) {
  finding.offset = now.offset;
  finding.line = now.number;
  finding.excerpt = now.text;
  announce(std::move(finding));
}

void Scanner::State::tell_reports() {
  for (Report report : reports) {  // a copy: two that are mixed are emitted as they stand and read on
    if (mixed && mixed->is_second(report)) {
      Mixed both = *mixed;
      both.settle(report);
      tell(both.first());
      both.first().told->flushed = true;
    }
    tell(report);
    report.told->flushed = true;
  }
}

void Scanner::State::tell_all() {
  tell_reports();
  announce_all(windows.flush());
}

// The line that has not ended may have something to say.
bool Scanner::State::unread() const {
  const std::string_view text = lines.partial().text;
  if (text.empty() || peeked) return false;
  return !reports.empty() || partial_header() || (hears_windows() && windows.concerns(text));
}

void Scanner::State::flush() {
  if (!unread()) return tell_all();
  // The line may go on and say something else: "BUG: KA" is not a report yet, "BUG: KASAN: ..." is. So
  // another self reads it, and only what that one emits remains.
  State other(*this);
  other.peeking = true;
  other.read_line(other.lines.partial());
  other.tell_all();
  findings = std::move(other.findings);
  told = std::move(other.told);
  tell_reports();
  windows.flush();  // its other self emitted
  peeked = true;
}

bool Scanner::State::pending() const {
  const auto waits = [](const Report& report) { return !report.told->flushed; };
  return unread() || windows.pending() || (mixed && mixed->unheard()) ||
         std::any_of(reports.begin(), reports.end(), waits);
}

Scanner::Scanner(std::optional<Os> os, const std::vector<Signature>& signatures)
    : state_(std::make_unique<State>(os, signatures)) {}
Scanner::~Scanner() = default;
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;

std::vector<Finding> Scanner::feed(std::string_view bytes) {
  state_->feed(bytes);
  return std::exchange(state_->findings, {});
}

std::vector<Finding> Scanner::flush() {
  state_->flush();
  return std::exchange(state_->findings, {});
}

bool Scanner::pending() const { return state_->pending(); }
std::uint64_t Scanner::kernel_starts() const { return state_->starts; }
std::string Scanner::last_line() const {
  std::string store;
  return std::string(without_controls(state_->lines.last(), store));
}

std::vector<Finding> scan(std::string_view log, std::optional<Os> os,
                          const std::vector<Signature>& signatures) {
  Scanner scanner(os, signatures);
  std::vector<Finding> findings = scanner.feed(log);
  for (auto& last : scanner.flush()) findings.push_back(std::move(last));
  return findings;
}

}  // namespace labctl::crash
