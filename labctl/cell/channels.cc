// What reports a crash is tested in the boot that it stands for. The kernel's console: before each boot is
// left the guest writes a text to its kernel's log, one that cannot be known beforehand, at the least
// severe level that the console showed before the candidate was there; it must come out. On the way down the
// kernel's own last line must come out. And the kernel's watchdogs: they take longer than a boot, so a thread
// that has slept uninterruptibly without one switch keeps its boot going until they must have spoken.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/outcome/blame.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

using namespace std::chrono_literals;

constexpr Millis between_questions = 2s;
// Where the guest's watchdog is off, as long as the kernel's own is patient by default; and no guest may make
// its boots as long as it likes.
constexpr Millis own_patience = 120s, longest_patience = 300s;
constexpr Millis word_comes_through = 5s;
const std::string sleepers_question = "sleepers";

std::string fact(const guest::Facts& facts, const char* key) {
  const auto found = facts.find(key);
  return found == facts.end() ? std::string() : found->second;
}

bool is_level(const std::string& text) {
  return !text.empty() && text.size() <= 2 && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string place_of(const guest::Sleeper& sleeper) {
  return fmt::format("{} in {}", sleeper.name, sleeper.frames.empty() ? "?" : sleeper.frames.front());
}

}  // namespace

// ---- the console ----
void CellMachine::ask_for_console() {
  s_.written.reset();
  actions_.push_back(Ask{os().console_check(operation().marker, s_.console_severity)});
}

void CellMachine::wait_for_console(Millis waited) {
  if (heart_stopped()) return;
  if (!s_.written && waited > p_.answer)
    return fail(Ending::hung,
                fmt::format("'{}' did not end, although the guest is alive", operation().question.name));
  if (s_.written && s_.guest_time() - *s_.written > p_.suspect)
    fail_silent_console("what the guest wrote to its kernel's log did not come out on its console");
}

void CellMachine::judge_console(const guest::Facts& facts) {
  const std::string level = fact(facts, "console_level"), severity = fact(facts, "severity");
  if (s_.console_severity.empty()) {
    if (!is_level(level) || severity.size() != 1 || severity < "0" || severity > "7")
      return lab("the guest's agent gives inconsistent answers: it does not report the console's level");
    s_.console_level = level;
    s_.console_severity = severity;
  }
  s_.console_now.clear();
  if (level != s_.console_level)
    s_.console_now = fmt::format(": the console level went from {} to {}", s_.console_level,
                                 is_level(level) ? level : std::string("something else"));
  else if (fact(facts, "devkmsg") == "off")
    s_.console_now = ": the kernel takes no messages from programs any more (kernel.printk_devkmsg is off)";
  if (fact(facts, "logged") != "yes")
    return fail(unable(),
                fmt::format("the kernel's log does not show what the guest has just written to it{}",
                            s_.console_now));
  note_sleepers(facts);
}

// A console that was like this before the candidate was there, or without it, is the image's fault.
void CellMachine::fail_silent_console(const std::string& what) {
  const std::string reason = what + s_.console_now;
  if (s_.cell.control || !s_.candidate_in)
    return lab(fmt::format("{}; a crash would not have been seen there either, so the image proves nothing",
                           reason));
  fail(Ending::altered, reason);
}

// Of a guest that has gone down and is back.
bool CellMachine::console_showed_shutdown() {
  const std::string& line = operation().last_line;
  if (line.empty() || s_.said.count(line) != 0) return true;
  s_.console_now.clear();
  fail_silent_console(
      fmt::format("the console did not show the kernel's last line '{}' when the guest went down: it was "
                  "muted on the way, or something else than the kernel reset the guest",
                  line));
  return false;
}

// ---- a guest that does not go down ----
// It has no agent any more. An NMI makes a kernel panic that is stuck and not dead: its trace shows where,
// and when only the panic device reports it, the console is muted and an oops may have been the cause.
void CellMachine::never_went_down() {
  fail(Ending::hung, "the shutdown did not end");
  if (s_.opened.earned() && traits().nmi_panics && !traits().reboots_by_itself && s_.phase == Phase::grace)
    inject_nmi(p_.sweep);
}

// It hangs for good: nobody has heard of it for as long as one waits, and it has not been made to panic yet.
// What dies of a crash is not disturbed, because it may be writing its dump.
bool CellMachine::is_stuck() const {
  return s_.opened.nmi && traits().nmi_panics && s_.outcome.ending == Ending::hung && !s_.dead &&
         !s_.nmi_injected;
}

// The last thing that is done to a guest that hangs. What it then leaves is provoked, and the ending stays.
void CellMachine::inject_nmi(Millis wait) {
  const auto& words = s_.cell.machine.cmdline;
  const bool kdump = s_.opened.nmi && std::any_of(words.begin(), words.end(), [](const auto& word) {
                       return word.starts_with("crashkernel=");
                     });
  s_.nmi_injected = true;
  s_.screen_read = s_.stop_reported = false;
  s_.phase_until = s_.guest_time() + (kdump ? std::max(wait, p_.dying) : wait);
  actions_.push_back(InjectNmi{});
}

bool CellMachine::is_of_our_nmi(const crash::Finding& finding, Channel channel) {
  const bool stopped = traits().reboots_by_itself ? is_provoked(finding)
                                                  : finding.kind == crash::Kind::panic &&
                                                        finding.title.find("NMI") != std::string::npos;
  if (!s_.nmi_injected || !stopped) return false;
  s_.nmi_printed = true;
  crash::Finding own = finding;
  own.suppressed = traits().reboots_by_itself
                       ? "provoked: labctl injected an NMI, so that the guest that hung leaves a dump"
                       : "labctl injected an NMI, to see where the guest was stuck";
  note(own, channel);
  return true;
}

void CellMachine::add_nmi_result() {
  if (!s_.nmi_injected || s_.outcome.ending != Ending::hung) return;
  if (s_.nmi_printed) return;  // listed, with its trace or its dump
  if (traits().reboots_by_itself) {
    s_.outcome.reason += s_.nmi_noticed || s_.resets > 0
                             ? "; labctl injected an NMI, which stopped it, and it left no dump"
                             : "; it did not react to an NMI: its kernel is dead, or its image is not fit";
    return;
  }
  s_.outcome.reason +=
      s_.nmi_noticed ? "; its console is muted: the panic that labctl then caused by an NMI was reported by "
                       "the panic device alone, and a crash before it would not have been seen"
                     : "; it did not react to an NMI: its kernel is dead, or stuck where no NMI gets through";
}

// ---- threads that do not wake up ----
void CellMachine::note_sleepers(const guest::Facts& facts) {
  if (!s_.opened.earned()) return;
  std::map<std::string, State::Sleeping> now;
  for (guest::Sleeper& sleeper : guest::sleepers(facts)) {
    if (s_.usual_sleepers.count(place_of(sleeper)) != 0) continue;
    const auto known = s_.sleeping.find(sleeper.thread);
    const bool never_ran = known != s_.sleeping.end() && known->second.sleeper.switches == sleeper.switches;
    const Millis since = never_ran ? known->second.since : s_.guest_time();
    const std::string thread = sleeper.thread;
    now.emplace(thread, State::Sleeping{std::move(sleeper), since});
  }
  s_.sleeping = std::move(now);
  const Millis patience = guest::hung_task_patience(facts);
  s_.watchdog = (patience > 0ms ? std::min(patience, longest_patience) : own_patience) + word_comes_through;
}

// What sleeps so before the candidate is there may do so afterwards.
void CellMachine::note_usual_sleepers(const guest::Facts& facts) {
  if (!s_.opened.earned()) return;
  for (const guest::Sleeper& sleeper : guest::sleepers(facts)) s_.usual_sleepers.insert(place_of(sleeper));
}

void CellMachine::look_into_sleepers() {
  if (s_.guest_time() < s_.sleepers_until) return;
  if (s_.sleepers_asked)
    return fail(unable(), "the guest could not list its sleeping threads, although it is alive");
  actions_.push_back(Ask{{sleepers_question, os().evidence().command}});
  s_.sleepers_asked = true;
  s_.sleepers_until = s_.guest_time() + p_.answer;
}

void CellMachine::on_sleepers_answer(const event::Answer& answer) {
  if (!s_.sleepers_asked || answer.question != sleepers_question) return;
  s_.sleepers_asked = false;
  s_.sleepers_until = s_.guest_time() + between_questions;
  const auto facts = guest::read_facts(answer.output);
  if (!answer.answered || answer.exit_code != 0)
    return fail(unable(), fmt::format("the guest could not list its sleeping threads{}",
                                      answer.output.empty() ? "" : ": " + printable(answer.output, 160)));
  judge_evidence(facts);
  if (s_.phase != Phase::running) return;
  note_allowed_taint();
  judge_taint(std::exchange(s_.taint_to_explain, {}));  // its report came before, if there is one
  if (s_.phase != Phase::running) return;
  blame_sleeper();
  const bool slept_on = std::any_of(s_.sleeping.begin(), s_.sleeping.end(),
                                    [this](const auto& each) { return each.second.since < s_.guest_time(); });
  if (s_.phase == Phase::running && !slept_on) advance();
}

// The one that has slept longest, if that is too long.
void CellMachine::blame_sleeper() {
  const auto longest =
      std::min_element(s_.sleeping.begin(), s_.sleeping.end(),
                       [](const auto& a, const auto& b) { return a.second.since < b.second.since; });
  if (longest == s_.sleeping.end()) return;
  const guest::Sleeper sleeper = longest->second.sleeper;
  const Millis slept = s_.guest_time() - longest->second.since;
  if (slept < s_.watchdog) return;
  auto found = crash::scan(guest::hung_task_report(sleeper, slept), crash::Os::linux_);
  crash::Finding finding =
      found.empty() ? crash::Finding{.title = "INFO: task hung"} : std::move(found.front());
  finding.kind = crash::Kind::hung_task;
  finding.confirmed = true;  // it was asked for
  remember(finding, Channel::evidence);
  if (s_.phase == Phase::running) {  // somebody answers for it
    s_.usual_sleepers.insert(place_of(sleeper));
    s_.sleeping.erase(sleeper.thread);
  } else if (s_.outcome.ending == Ending::hung) {
    s_.outcome.reason += fmt::format(
        ": thread '{}' has slept uninterruptibly for {} and was not switched once; the guest was asked, its "
        "kernel's watchdog said nothing",
        sleeper.name, show_duration(slept));
  }
}

}  // namespace labctl::cell
