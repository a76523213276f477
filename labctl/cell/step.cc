// One event at a time: what it means for the cell.
//
// The rules, in the order in which they win:
//   1. Anything fatal that any channel recognises ends the story. The cell keeps listening for a grace period
//      (the rest of the oops comes later) and asks a last time what the kernel logged. What is found
//      meanwhile may make the ending worse (a hang turns out to be a crash), never better.
//   2. A reset, power-off or boot that was not asked for is a crash, however healthy the guest looks
//      afterwards. The two to five RESET events of one reboot are one: no kernel has spoken in between.
//   3. A missing sign is never a good one: every operation waits for a positive answer, and has a deadline.
//   4. Deadlines are multiples of the image's own boot time and run on the guest's clock, which stands still
//      while it wants a CPU and gets none: a busy host makes a guest slow and not guilty. What a kernel's
//      watchdogs say after such a wait is the lab's failure (cpu_wait.cc).
//   5. A hypervisor that stops the guest or dies by itself while the candidate is in it was taken along by
//      the guest: a crash, which no retry cancels. What the host did to it is the lab's failure.
//   6. A line that looks like a crash without a report (a driver can print anything) counts unless the guest
//      proves, in the same boot, to be alive with an untainted kernel; no reboot begins before it has.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/digest.h"
#include "labctl/base/text.h"
#include "labctl/cell/canary.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/outcome/accept.h"

namespace labctl::cell {

using outcome::Ending;

namespace {
constexpr std::size_t most_texts = 1000;  // a story has fewer
constexpr std::size_t most_logged = 50;   // different errors of one cell

bool counts_while_held(const event::What& what) {
  return std::holds_alternative<event::Released>(what) || std::holds_alternative<event::Interrupted>(what) ||
         std::holds_alternative<event::LabFault>(what) || std::holds_alternative<event::Stopped>(what) ||
         std::holds_alternative<event::Tick>(what);
}
}  // namespace

void CellMachine::apply(const event::Event& event) {
  if (s_.phase == Phase::ended) return;
  s_.now = std::max(s_.now, event.at);
  if (s_.phase == Phase::held && !counts_while_held(event.what)) return;
  if (!traits().reboots_by_itself || !on_event_after_failure(event.what))
    std::visit([this](const auto& what) { on_event(what); }, event.what);
  if (s_.phase == Phase::held) return;
  look_into_suspects();
  check_deadlines();
}

// ---- what each event means ----
void CellMachine::on_event(const event::Opened& opened) {
  if (s_.phase != Phase::unopened) return;
  s_.opened = opened;
  s_.outcome.rules = opened.rules;
  p_ = timeouts(opened.boot_time, opened.earned());
  s_.operations =
      s_.canary ? canary_operations(s_.cell.guest.os, *s_.canary, opened) : operations(s_.cell, opened);
  s_.phase = Phase::running;
  s_.hold = opened.hold;
  s_.operation_began = s_.asked = s_.last_beat = s_.guest_time();
  if (opened.cell != s_.cell.id)
    return lab(fmt::format("this is the journal of another cell: {}", printable(opened.cell, 100)));
  if (opened.earned() && opened.seed.size() != 32)
    return lab("the journal has no seed: what is written to the console could have been known beforehand");
  check_payload();
  if (is_untied()) note_untied();
  check_proofs();
}

// What is not known to have been delivered cannot be found to be altered.
void CellMachine::check_payload() {
  for (const Operation& op : s_.operations)
    if (op.of_payload && !is_sha256(op.expected_sha256))
      return lab(fmt::format("the payload lacks what '{}' needs", op.step.text()));
}

void CellMachine::on_event(const event::Started&) {
  s_.operation_began = s_.asked = s_.last_beat = s_.guest_time();
  if (s_.down) s_.last_reset = s_.guest_time();  // switched on again
}

void CellMachine::on_event(const event::Found& found) { remember(found.finding, found.channel); }

void CellMachine::on_event(const event::KernelStarted&) {
  s_.kernel_spoke = true;
  s_.explained.clear();  // what was reported before was another kernel's
  if (s_.phase == Phase::running && waits_for(Wait::suspend))
    return crash("unrequested reboot", "the guest booted anew instead of waking up", Channel::resets);
  if (s_.phase == Phase::running && waits_for(Wait::crash) && !s_.down) return crash_kernel_starts();
  if (waits_for(Wait::half_boot) && s_.down && !s_.moment_began) s_.moment_began = s_.guest_time();
}

void CellMachine::on_event(const event::Reset& reset) {
  if (s_.phase != Phase::running) return;
  if (!reset.by_guest && !waits_for(Wait::power_cut)) return;
  if (!reboots())
    return crash("unrequested reset", "the guest reset itself without being asked to", Channel::resets);
  if (waits_for(Wait::cold_boot) && !s_.down)
    return crash("unrequested reset", "the guest reset itself instead of powering off", Channel::resets);
  if (waits_for(Wait::crash) && !s_.down && !ends_crash()) return;
  // Firmware may restart the machine once or twice more, in milliseconds, or seconds on a host with others.
  const bool same_reboot = s_.down && !s_.kernel_spoke && s_.guest_time() - s_.last_reset < p_.merge &&
                           s_.guest_time() - s_.first_reset < 2 * p_.merge;
  if (s_.down && !same_reboot)
    return crash("unrequested reset during boot", "the guest reset itself again before its agent answered",
                 Channel::resets);
  note_reset();
}

void CellMachine::note_reset() {
  if (!s_.down) {
    s_.first_reset = s_.guest_time();
    // What was said on the way down does not count for a moment of the boot.
    if (waits_for(Wait::half_boot) && !operation().marker.empty()) listen({operation().marker});
  }
  s_.last_reset = s_.guest_time();
  s_.down = true;
  s_.kernel_spoke = false;
  s_.explained.clear();
  s_.sleeping.clear();
  s_.boot_id.clear();  // the next one is not known yet,
  convict_suspects();  // and nothing is left that could clear what the last one said
}

void CellMachine::on_event(const event::Stopped& stopped) {
  if (s_.phase == Phase::held) return lab("the guest was powered off while it was held");
  if (s_.phase == Phase::running && stopped.by_guest && waits_for(Wait::cold_boot) && !s_.down) {
    note_reset();
    if (s_.phase == Phase::running) actions_.push_back(PowerOn{});
    return;
  }
  s_.dead = true;
  if (!stopped.by_guest) return lab(fmt::format("the guest was stopped from outside: {}", stopped.reason));
  crash("unrequested power-off", "the guest powered itself off without being asked to", Channel::resets);
}

void CellMachine::on_event(const event::Panicked& panicked) {
  if (traits().panic_has_stop_code) return on_bug_check(panicked);
  if (is_of_our_crash(panicked)) return actions_.push_back(Resume{});
  if (!panicked.crash_loaded) s_.dead = true;
  if (s_.nmi_injected)
    s_.nmi_noticed = true;
  else
    crash("kernel panic told by the panic device", "the panic device reported a kernel panic",
          Channel::panic_device, crash::Kind::panic);
  // The device reports before the kernel has flushed its consoles: out of an NMI nothing at all was printed
  // yet.
  actions_.push_back(Resume{});
}

void CellMachine::on_event(const event::Beat&) {
  s_.last_beat = s_.guest_time();
  if (s_.phase != Phase::running) return;
  // A heartbeat right after a reset was under way when the guest was reset.
  const bool back = s_.down && reboots() && s_.guest_time() - s_.last_reset >= p_.back;
  if (back && waits_for(Wait::half_boot)) return missed_moment("the boot");
  if (waits_for(Wait::agent) || (back && console_showed_shutdown())) advance();
}

void CellMachine::on_event(const event::Answer& answer) {
  if (s_.suspect_asked && answer.question == suspect_question()) return on_suspect_answer(answer);
  if (s_.phase == Phase::post_mortem && answer.question == disk_question) {
    if (!answer.answered) s_.disk_unread = printable(answer.output, 300);
    return end();
  }
  if (s_.phase == Phase::last_sweep) {
    if (os().taints() && answer.answered && answer.question == "evidence")
      if (auto facts = guest::read_facts(answer.output); facts.count("taint") != 0)
        judge_taint(fault_taints(facts));
    s_.sweep_missed |= !answer.answered;
    s_.sweep_open.erase(answer.question);
    if (s_.sweep_open.empty()) end_or_read_disk(!s_.sweep_missed);
    return;
  }
  if (s_.phase == Phase::running && waits_for(Wait::awake)) return on_sleepers_answer(answer);
  if (s_.phase == Phase::running && waits_for(Wait::suspend)) return judge_suspended(answer);
  if (s_.phase == Phase::running && waits_for(Wait::crash)) return judge_crash(answer);
  const bool cut_next = waits_for(Wait::moment), to_be_heard = waits_for(Wait::heard);
  if (s_.phase != Phase::running || (!waits_for(Wait::answer) && !cut_next && !to_be_heard)) return;
  if (answer.question != operation().question.name) return;  // late, or for somebody else
  if (!answer.answered)
    return fail(unable(), fmt::format("the guest could not answer '{}': {}", answer.question,
                                      printable(answer.output)));
  s_.last_beat = s_.guest_time();
  if (s_.ask_again) return;  // a repeated answer
  judge(answer);
  if (s_.phase != Phase::running || s_.ask_again) return;
  if (cut_next) return missed_moment("'" + answer.question + "'");
  if (!to_be_heard) return advance();
  s_.written = s_.written.value_or(s_.guest_time());
  if (s_.said.count(operation().marker) != 0) advance();
}

void CellMachine::on_event(const event::Begun& begun) {
  if (s_.phase == Phase::running && waits_for(Wait::moment) && !s_.moment_began &&
      begun.question == operation().question.name)
    s_.moment_began = s_.guest_time();
}

void CellMachine::on_event(const event::Said& said) {
  if (s_.phase != Phase::running || s_.said.size() >= most_texts) return;
  s_.said.insert(said.text);
  const bool heard = waits_for(Wait::marker) || (waits_for(Wait::heard) && s_.written);
  if (heard && operation().marker == said.text) advance();
}

// Listed, and compared with the controls when all cells have ended.
void CellMachine::on_event(const event::Logged& logged) {
  auto& lines = s_.outcome.logged;
  if (lines.size() < most_logged && std::find(lines.begin(), lines.end(), logged.line) == lines.end())
    lines.push_back(logged.line);
}

// A guest that got less than a fiftieth of the time is not waited for in proportion: every cell comes to an
// end.
void CellMachine::on_event(const event::Tick& tick) {
  s_.cpu_wait = std::clamp(tick.cpu_wait, s_.cpu_wait, std::max(s_.cpu_wait, s_.now - s_.now / 50));
  // CPU wait that is reported late turns the clock back.
  s_.last_beat = std::min(s_.last_beat, s_.guest_time());
  remember_tick();
}

void CellMachine::on_event(const event::LabFault& fault) {
  if (fault.unheard) s_.outcome.unheard = true;
  // Who held the guest may have ended it; and without the candidate only the lab is left to be at fault.
  if (fault.hypervisor.empty() || !s_.candidate_in || s_.phase == Phase::held) return lab(fault.what);
  s_.dead = true;
  const bool stopped = fault.hypervisor == "stopped";
  crash(stopped ? "hypervisor stopped" : "hypervisor died",
        fmt::format("{} (the candidate was in the guest)", printable(fault.what, 500)), Channel::resets);
  s_.phase_until = std::min(s_.phase_until, s_.guest_time() + p_.grace);  // no other boot comes
}

void CellMachine::on_event(const event::Interrupted&) {
  if (s_.phase <= Phase::held) {
    s_.outcome.ending = Ending::interrupted;
    s_.outcome.reason = "the run was interrupted";
  }
  end();
}

void CellMachine::on_event(const event::Released& released) {
  if (s_.phase != Phase::held) return;
  s_.phase = Phase::running;
  s_.hold = released.hold;
  s_.last_beat = s_.guest_time();
  if (!released.payload.empty()) exchange(released.payload);
  if (s_.phase == Phase::running && begin_operation()) advance();
}

// From here on it runs with other artifacts, which are delivered first. What has been done already must
// have had nothing to do with those that change.
void CellMachine::exchange(const std::map<std::string, std::string>& payload) {
  forget_builds(payload);
  s_.opened.payload = payload;
  auto now = operations(s_.cell, s_.opened);
  for (std::size_t i = 0; i < s_.position; ++i)
    if (i >= now.size() || !now[i].same_work(s_.operations[i]))
      return lab(fmt::format("'{}' was done with an artifact other than the one to continue with",
                             s_.operations[i].step.text()));
  auto delivering = delivery(os(), s_.opened);
  for (auto& op : delivering) op.chapter = operation().chapter;
  now.insert(now.begin() + static_cast<std::ptrdiff_t>(s_.position), delivering.begin(), delivering.end());
  s_.operations = std::move(now);
  check_payload();
}

// ---- going on ----
void CellMachine::advance() {
  for (;;) {
    if (operation().boot_proved) ++s_.outcome.boots_proved;
    if (++s_.position >= s_.operations.size()) return finish();
    if (s_.left() == s_.hold) {
      s_.phase = Phase::held;
      return;
    }
    if (!begin_operation()) return;
  }
}

// Whether it is done already.
bool CellMachine::begin_operation() {
  const Operation& op = operation();
  if (op.of_content && s_.refused) return true;
  if (op.may_be_refused) s_.refused = false;
  s_.operation_began = s_.asked = s_.guest_time();
  s_.ask_again.reset();
  s_.moment_began.reset();
  s_.asleep_since.reset(), s_.awake_since.reset();
  if (op.is_authors_command()) s_.candidate_in = true;
  if (op.begins_boot != 0) {
    s_.boot = op.begins_boot;
    begin_kernel();
    s_.down = s_.kernel_spoke = false;
  }
  listen(op.listen);
  if (op.wait == Wait::heard) ask_for_console();
  if (op.wait == Wait::crash) begin_crash();
  if (op.wait == Wait::awake) s_.sleepers_asked = false, s_.sleepers_until = s_.guest_time();
  if (op.action && std::holds_alternative<PowerCut>(*op.action)) s_.power_was_cut = true;
  if (op.action) actions_.push_back(*op.action);
  if (!op.question.command.empty()) actions_.push_back(Ask{op.question, op.wait == Wait::moment});
  return op.wait == Wait::nothing || (op.wait == Wait::cleared && s_.suspects.empty()) ||
         (op.wait == Wait::awake && s_.sleeping.empty()) ||
         (op.wait == Wait::marker && s_.said.count(op.marker) != 0);
}

void CellMachine::finish() {
  if (!s_.suspects.empty()) return convict_suspects();
  if (is_untied() && !is_vouched_for()) return end_unproved();
  if (const auto* entry = outcome::missing(s_.cell, s_.findings)) {
    --s_.position;  // this is where it ends
    return fail(
        Ending::not_loaded,
        fmt::format("the expected '{}' did not appear: a negative test that no longer fires (owner: {})",
                    printable(entry->title), printable(entry->owner, 60)));
  }
  s_.outcome.ending = Ending::passed;
  s_.outcome.reason.clear();
  end();
}

void CellMachine::fail(Ending ending, const std::string& reason, const std::string& title) {
  // A guest that fails by itself is the image's or the lab's fault. It proves nothing, and accuses no
  // candidate.
  if (ending <= Ending::hung && !s_.candidate_in && !s_.cell.control)
    return lab(fmt::format("{} (before the candidate was loaded)", reason));
  const bool first = s_.phase <= Phase::held;
  const bool worse = first || ending < s_.outcome.ending;
  if (first) {
    s_.failed_at = s_.guest_time();
    if (s_.last_counted_reset != s_.failed_at) s_.resets = 0;  // earlier resets had been asked for
  }
  if (worse && traits().reboots_by_itself && s_.phase <= Phase::grace)
    s_.phase_until = s_.guest_time() + time_to_die(ending);
  if (worse) {
    s_.outcome.ending = ending;
    s_.outcome.reason = reason;
    s_.quoted = title;
  }
  if (!first) return;
  s_.outcome.step = where_now(s_);
  s_.phase = Phase::grace;
  if (!traits().reboots_by_itself) s_.phase_until = s_.guest_time() + p_.grace;
  actions_.push_back(TakePicture{"failure", traits().reads_screen});
}

void CellMachine::begin_last_sweep() {
  if (s_.outcome.ending == Ending::lab_failed) return end();
  if (s_.dead) return end_or_read_disk(false);
  s_.phase = Phase::last_sweep;
  s_.phase_until = s_.guest_time() + (traits().sends_dumps ? p_.answer : p_.sweep);
  for (const guest::Question& question : os().last_questions()) {
    s_.sweep_open.insert(question.name);
    actions_.push_back(Ask{question});
  }
}

void CellMachine::end() {
  // A lab that failed or was interrupted cannot clear a suspect either, and neither a retry nor a resumed run
  // may cancel it.
  if (s_.outcome.ending == Ending::lab_failed || s_.outcome.ending == Ending::interrupted) convict_suspects();
  s_.phase = Phase::ended;
  s_.outcome.took = s_.now;
  excuse_cpu_wait();
  add_nmi_result();
  if (traits().crash_on_many_channels) merge_findings();
  if (!s_.disk_unread.empty())
    s_.outcome.reason += fmt::format(" (its disk could not be read: {})", s_.disk_unread);
  explain_signs();
  quote_most_precise();
  s_.outcome.findings = s_.findings;
  actions_.push_back(End{});
}

State begin(const plan::Cell& cell, std::optional<guest::Crash> canary) {
  State state;
  state.cell = cell;
  state.canary = canary;
  state.outcome.cell = cell.id;
  state.outcome.boots_wanted = cell.boots_wanted();
  state.outcome.ending = Ending::lab_failed;
  state.outcome.reason = "its journal stops before its end";
  return state;
}

std::vector<Action> on(State& state, const event::Event& event) {
  std::vector<Action> actions;
  CellMachine(state, actions).apply(event);
  return actions;
}

outcome::StepId step_now(const State& state) {
  if (state.phase == Phase::ended) return "ended";
  if (state.phase >= Phase::grace) return {Activity::evidence, "collecting evidence"};
  if (state.position >= state.operations.size()) return "starting";
  return state.operations[state.position].step;
}

std::string where_now(const State& state) { return step_now(state).text(); }

}  // namespace labctl::cell
