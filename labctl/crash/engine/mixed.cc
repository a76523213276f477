#include "labctl/crash/engine/mixed.h"

#include <algorithm>
#include <bitset>
#include <utility>

namespace labctl::crash {
namespace {

constexpr std::size_t lines_limit = 512;
constexpr unsigned near_lines = 12;  // from one header to the other
constexpr double near_seconds = 2;

constexpr std::size_t stages = 6;
using States = std::bitset<stages * stages>;  // first's stage * stages + second's
enum Stage : std::size_t { headed, introduced, placed, tracing, ended };

std::string digits_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return std::string(text.substr(at, end - at));
}

std::string number_behind(std::string_view text, std::string_view word) {
  const std::size_t at = text.find(word);
  return at == std::string_view::npos ? std::string() : digits_at(text, at + word.size());
}

// "CPU: 1 UID: 0 PID: 7 Comm: insmod", "WARNING: CPU: 1 PID: 7 at ...", "..., CPU#1: insmod/7", "... lockup -
// CPU#1 stuck for 26s! [insmod:7]".
std::string task_of(std::string_view text) {
  std::string cpu = number_behind(text, "CPU: ");
  std::string pid = number_behind(text, " PID: ");
  if (cpu.empty()) {
    cpu = number_behind(text, "CPU#");
    const bool bracket = text.ends_with("]");
    const std::size_t at = text.rfind(bracket ? ':' : '/');
    if (at != std::string_view::npos) pid = digits_at(text, at + 1);
    if (at == std::string_view::npos || at + 1 + pid.size() + (bracket ? 1 : 0) != text.size()) pid.clear();
  }
  return cpu.empty() || pid.empty() ? std::string() : cpu + " " + pid;
}

// "bar_go+0x10/0x20", wherever it stands.
std::string place_in(std::string_view text) {
  constexpr std::string_view around = " :(<,)>]";
  const std::size_t plus = text.find("+0x");
  if (plus == std::string_view::npos) return {};
  const std::size_t before = text.find_last_of(around, plus);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return std::string(text.substr(begin, text.find_first_of(around, plus) - begin));
}

bool in_order(Kind kind) {
  return kind == Kind::oops || kind == Kind::bug || kind == Kind::warning || kind == Kind::lockup ||
         kind == Kind::memory_safety;
}

bool readable(const Heading& heading) {
  constexpr unsigned others = instant | userspace | no_function | needs_body | last_trace | panic_line |
                              must_repeat | headless | lists_handlers;
  return (heading.rule->flags & others) == 0 && !heading.doubtful && in_order(heading.rule->kind);
}

}  // namespace

// All ways to deal the lines out, as the states that can be reached from the front and from the end.
struct Mixed::Ways {
  explicit Ways(const std::vector<Line>& lines);

  bool any() const { return (from_front.front() & from_end.front()).any(); }
  bool may(std::size_t line, std::size_t who) const;
  // What it has in every way.
  std::size_t least(std::size_t who) const;

  // The stage of a report behind a line; `stages` when the line cannot be its own.
  static std::size_t behind(const Line& line, std::size_t stage, bool early);
  // The state behind a line of `who`; out of range when there is none.
  static std::size_t next(const Line& line, std::size_t state, std::size_t who);

  const std::vector<Line>& all;
  std::vector<States> from_front, from_end;
};

std::size_t Mixed::Ways::behind(const Line& line, std::size_t stage, bool early) {
  switch (line.sort) {
    case Sort::detail:
      return stage == headed ? stage : stages;
    case Sort::cpu:
      return stage == headed ? introduced : stages;
    case Sort::rip:  // a trace may hold those of exceptions, and an oops says its own once more at its end
      if (stage == introduced && early) return placed;
      return stage == tracing || (stage == ended && line.repeated) ? stage : stages;
    case Sort::trace:
      return (stage == introduced && early) || stage == placed ? tracing : stages;
    case Sort::frame:
      return stage == tracing ? tracing : stages;
    case Sort::end:
      return stage == headed || stage == ended ? stages : ended;
  }
  return stages;
}

std::size_t Mixed::Ways::next(const Line& line, std::size_t state, std::size_t who) {
  constexpr std::size_t none = stages * stages;
  if ((line.owners & (1U << who)) == 0) return none;
  const std::size_t one = state / stages, other = state % stages;
  const std::size_t stage = behind(line, who == 0 ? one : other, (line.early & (1U << who)) != 0);
  if (stage == stages) return none;
  return who == 0 ? stage * stages + other : one * stages + stage;
}

Mixed::Ways::Ways(const std::vector<Line>& lines)
    : all(lines), from_front(lines.size() + 1), from_end(lines.size() + 1) {
  from_front.front().set(0);
  from_end.back().set();
  const auto each_step = [&](std::size_t line, auto&& step) {
    for (std::size_t state = 0; state < stages * stages; ++state) {
      for (const std::size_t who : {0U, 1U}) {
        const std::size_t then = next(lines[line], state, who);
        if (then < stages * stages) step(state, then);
      }
    }
  };
  for (std::size_t line = 0; line < lines.size(); ++line) {
    each_step(line, [&](std::size_t state, std::size_t then) {
      if (from_front[line].test(state)) from_front[line + 1].set(then);
    });
  }
  for (std::size_t line = lines.size(); line-- > 0;) {
    each_step(line, [&](std::size_t state, std::size_t then) {
      if (from_end[line + 1].test(then)) from_end[line].set(state);
    });
  }
}

bool Mixed::Ways::may(std::size_t line, std::size_t who) const {
  for (std::size_t state = 0; state < stages * stages; ++state) {
    const std::size_t then = next(all[line], state, who);
    if (from_front[line].test(state) && then < stages * stages && from_end[line + 1].test(then)) return true;
  }
  return false;
}

std::size_t Mixed::Ways::least(std::size_t who) const {
  std::size_t least = stages;
  for (std::size_t state = 0; state < stages * stages; ++state) {
    if (from_front.back().test(state)) least = std::min(least, who == 0 ? state / stages : state % stages);
  }
  return least;
}

bool Mixed::possible(const Report& first, const Heading& second) {
  const Heading& heading = first.heading();
  const double apart = second.time - heading.time;
  const bool near = second.time == 0 || heading.time == 0 || (apart < near_seconds && apart > -near_seconds);
  return first.caller().empty() && readable(heading) && readable(second) && first.bare() &&
         first.lines() <= near_lines && near;
}

Mixed::Mixed(Report first, const Report& second)
    : first_(std::move(first)), second_(second), facts_{facts(first_), facts(second_)} {
  first_.cut();
}

Mixed::Facts Mixed::facts(const Report& report) {
  const std::string& words = report.heading().words;
  const bool fault = (report.rule().absorbs & bit(Group::die)) != 0;
  const Kind kind = report.rule().kind;
  return {task_of(words), place_in(words), fault, fault || kind == Kind::oops || kind == Kind::lockup};
}

bool Mixed::first_absorbs(const Rule& header, bool consequence, std::string_view text) const {
  if ((header.flags & panic_line) == 0)
    return header.group == Group::die && !second_.absorbs(header, false) && first_.absorbs(header, false);
  const bool for_warning = text.find("panic_on_warn") != std::string_view::npos;
  return consequence && first_.fatal() != second_.fatal() && first_.fatal() != for_warning;
}

void Mixed::first_absorb(const Rule& header, bool doubtful) {
  first_.absorb(header, doubtful);
  first_.told->flushed = false;
  proven_ = true;
  if (header.group == Group::die) keep({Sort::detail, nullptr, {}, {}, 1});
}

void Mixed::second_absorb(const Rule& header, bool doubtful, bool late) {
  second_.absorb(header, doubtful);
  proven_ = proven_ || late;
  if (header.group == Group::die && !facts_[0].fault) keep({Sort::detail, nullptr, {}, {}, 2});
}

// What fits one of them is its own; else it is whose header says nothing.
unsigned Mixed::owners(const std::string Facts::*fact, const std::string& value) const {
  unsigned fit = 0, silent = 0;
  for (const std::size_t who : {0U, 1U}) {
    const std::string& known = facts_[who].*fact;
    if (known.empty())
      silent |= 1U << who;
    else if (known == value)
      fit |= 1U << who;
  }
  return fit != 0 ? fit : silent;
}

void Mixed::keep(Line line) {
  first_.told->flushed = second_.told->flushed = false;
  if (closed_ || lines_.size() >= lines_limit || line.owners == 0) return;
  proven_ = proven_ || line.owners == 1;
  lines_.push_back(std::move(line));
}

void Mixed::body(const BodyLine& line, std::string_view text) {
  const unsigned faults = (facts_[0].fault ? 1U : 0U) + (facts_[1].fault ? 2U : 0U);
  std::string words(text.substr(0, 512));
  closed_ = closed_ || text.starts_with("Sending NMI") || text.starts_with("NMI backtrace for cpu");
  if (text.starts_with("#PF: ") || text.starts_with("PGD ") || text.starts_with("Mem abort info:") ||
      text.starts_with("IP: ")) {
    keep({Sort::detail, &line, std::move(words), {}, faults});
  } else if (line.proof == Proof::cpu) {
    const std::string task = task_of(text);
    proven_ = proven_ || (!closed_ && !task_.empty() && task != task_);
    if (task_.empty()) task_ = task;
    keep({Sort::cpu, &line, std::move(words), {}, task.empty() ? 3 : owners(&Facts::task, task)});
  } else if (line.proof == Proof::rip) {
    const std::string place = place_in(text);
    const unsigned fit = owners(&Facts::place, place);
    const bool named = facts_[0].place == place || facts_[1].place == place;
    keep({Sort::rip, &line, std::move(words), {}, named && !place.empty() ? fit : 3, fit, said(place)});
  } else if (text.starts_with("Call Trace:") || text.starts_with("Call trace:")) {
    const unsigned early = (facts_[0].instruction_first ? 0U : 1U) | (facts_[1].instruction_first ? 0U : 2U);
    keep({Sort::trace, &line, std::move(words), {}, 3, early});
  } else if (line.proof == Proof::trace_end) {
    keep({Sort::end, &line, std::move(words), {}});
  }
}

bool Mixed::said(const std::string& place) const {
  return std::any_of(lines_.begin(), lines_.end(), [&](const Line& line) {
    return line.sort == Sort::rip && place_in(line.text) == place;
  });
}

void Mixed::frame(const Frame& frame) { keep({Sort::frame, nullptr, {}, frame}); }

void Mixed::lost() {
  first_.lost();
  second_.lost();
}

// Whichever line it is, it says the same.
bool Mixed::one_instruction(const Ways& ways, std::size_t who) const {
  const Line* only = nullptr;
  for (std::size_t at = 0; at < lines_.size(); ++at) {
    if (lines_[at].sort != Sort::rip || !ways.may(at, who)) continue;
    if (only != nullptr && place_in(only->text) != place_in(lines_[at].text)) return false;
    only = &lines_[at];
  }
  return true;
}

void Mixed::deal(const Ways& ways, std::size_t who, Report& report) const {
  const bool one = one_instruction(ways, who);
  bool torn = false;
  for (std::size_t at = 0; at < lines_.size(); ++at) {
    const Line& line = lines_[at];
    if (!ways.may(at, who)) continue;
    const bool own = !ways.may(at, 1 - who) || (line.sort == Sort::rip && one);
    // Behind an instruction or a frame that may be either's, the next frame is not the innermost.
    torn = torn || (!own && (line.sort == Sort::rip || line.sort == Sort::frame));
    if (line.sort == Sort::frame) {
      if (!torn) report.frame(line.frame);
    } else if (own && line.body != nullptr) {
      report.body(*line.body, line.text);
    }
  }
  if (torn) report.torn();
  if (ways.least(who) >= introduced) report.surely(Proof::cpu);
  if (ways.least(who) >= placed) report.surely(Proof::rip);
}

// Lines are lost, or of a third: that both went on is sure all the same.
void Mixed::nothing_fits() {
  std::array<std::size_t, 4> processors{};
  for (const Line& line : lines_) {
    if (line.sort == Sort::cpu) ++processors[line.owners];
  }
  for (Report* report : {&first_, &second_}) {
    report->torn();
    const std::size_t own = report == &first_ ? 1 : 2;
    if (processors[own] == 0 && processors[3] < 2) continue;
    report->surely(Proof::cpu);
    report->surely(Proof::rip);
  }
}

void Mixed::settle(Report& second) {
  if (!proven_) return;
  const Ways ways(lines_);
  first_.add_text(second);
  second_.take_text(second);
  if (ways.any()) {
    deal(ways, 0, first_);
    deal(ways, 1, second_);
  } else {
    nothing_fits();
  }
  second = second_;
}

}  // namespace labctl::crash
