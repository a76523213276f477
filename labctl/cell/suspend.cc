// A guest is suspended to RAM and woken. Three must say so: the hypervisor that its machine sleeps and that
// it goes on, and the guest, by the command that put it to sleep, that all went well. It is no boot: what
// lives before must live behind it, which the proofs of every step show.

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

void CellMachine::on_event(const event::Suspended&) {
  if (s_.phase != Phase::running) return;
  if (waits_for(Wait::suspend) && !s_.asleep_since) {
    s_.asleep_since = s_.guest_time();
    actions_.push_back(Wake{});
    return;
  }
  // The author's own commands may do it, with an alarm that wakes it; without one the heartbeat is lost.
  if (operation().is_authors_command() || !s_.cell.guest.background.empty()) return;
  s_.dead = true;
  fail(unable(), "the guest suspended itself to RAM without being asked to");
}

void CellMachine::on_event(const event::Woken&) {
  if (s_.phase == Phase::running && waits_for(Wait::suspend) && s_.asleep_since && !s_.awake_since)
    s_.awake_since = s_.guest_time();
}

// The command has ended, behind the sleep or without one.
void CellMachine::judge_suspended(const event::Answer& answer) {
  if (answer.question != operation().question.name) return;
  const std::string words = trim(answer.output).empty() ? "" : ": " + printable(trim(answer.output), 300);
  if (!answer.answered) return fail(unable(), fmt::format("the guest could not answer 'suspend'{}", words));
  const Ending refused = s_.candidate_in ? Ending::not_loaded : Ending::lab_failed;
  if (answer.exit_code != 0)
    return fail(refused, fmt::format("the guest did not suspend to RAM: 'suspend' ended with status {}{}",
                                     answer.exit_code, words));
  if (!s_.awake_since)
    return fail(refused, "the guest says that it was suspended to RAM, and its machine never slept");
  s_.last_beat = s_.guest_time();
  advance();
}

// A guest that sleeps has no heartbeat.
void CellMachine::check_suspend() {
  const Millis limit = operation().limit, now = s_.guest_time();
  const Millis down = limit > Millis(0) ? limit : p_.down, up = limit > Millis(0) ? limit : p_.up;
  if (!s_.asleep_since && now - s_.operation_began > down)
    return fail(unable(), fmt::format("the guest did not suspend to RAM within {}", show_duration(down)));
  if (!s_.asleep_since) return;
  if (!s_.awake_since && now - *s_.asleep_since > p_.answer)
    return lab("the guest's machine did not wake up when labctl asked the hypervisor for it");
  if (s_.awake_since && now - *s_.awake_since > up)
    fail(unable(),
         fmt::format("the guest did not come back from its suspension within {}", show_duration(up)));
}

}  // namespace labctl::cell
