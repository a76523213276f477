// What is no longer waited for: every wait has a limit (timeouts.cc), on the guest's clock.

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

void CellMachine::check_deadlines() {
  if (s_.phase == Phase::grace && s_.guest_time() >= s_.phase_until) return grace_is_over();
  if (s_.phase == Phase::last_sweep && s_.guest_time() >= s_.phase_until) return sweep_is_over();
  if (s_.phase == Phase::post_mortem && s_.guest_time() >= s_.phase_until) return end();
  if (s_.phase != Phase::running) return;
  if (s_.suspect_asked && s_.guest_time() >= s_.suspect_until) return convict_suspects();
  if (s_.position >= s_.operations.size()) return;
  const Millis waited = s_.guest_time() - s_.operation_began;
  switch (operation().wait) {
    case Wait::agent:
      if (waited > p_.agent) lab("the guest's agent never answered");
      return;
    case Wait::reboot:
    case Wait::cold_boot:
    case Wait::power_cut:
      return check_reboot();
    case Wait::half_boot:
      cut_if_time();
      return check_reboot();
    case Wait::moment:
      if (heart_stopped()) return;
      cut_if_time();
      if (waits_for(Wait::moment) && waited > longest()) never_ended();
      return;
    case Wait::marker: {
      if (heart_stopped()) return;
      const Millis limit = operation().duration > Millis(0) ? operation().duration : longest();
      if (waited > limit)
        fail(Ending::not_loaded, fmt::format("the console did not say '{}' within {}",
                                             printable(operation().marker, 80), show_duration(limit)));
      return;
    }
    case Wait::answer:
      if (heart_stopped()) return;
      if (!asks_later() && s_.guest_time() - s_.asked > longest()) never_ended();
      return;
    case Wait::suspend:
      return check_suspend();
    case Wait::crash:
      return check_crash();
    case Wait::heard:
      return wait_for_console(waited);
    case Wait::awake:
      if (!heart_stopped()) look_into_sleepers();
      return;
    case Wait::quiet:
      if (heart_stopped()) return;
      // Alive at the end as well, not only at the beginning.
      if (s_.last_beat >= s_.operation_began + operation().duration) advance();
      return;
    case Wait::cleared:  // its question has a deadline
    case Wait::nothing:
      return;
  }
}

// Of the operation under way.
Millis CellMachine::longest() const {
  const Operation& op = operation();
  if (op.limit > Millis(0)) return op.limit;
  return op.takes_long() || op.wait == Wait::moment || op.wait == Wait::marker ? p_.long_answer : p_.answer;
}

void CellMachine::never_ended() {
  const Operation& op = operation();
  if (op.check == Check::without) {
    fails_without();
    if (s_.phase == Phase::running) advance();
    return;
  }
  fail(Ending::hung,
       fmt::format("'{}' did not end{}, although the guest is alive", op.question.name,
                   op.limit > Millis(0) ? fmt::format(" within {}", show_duration(op.limit)) : ""));
}

void CellMachine::check_reboot() {
  if (s_.phase != Phase::running || !reboots()) return;
  const Millis limit = operation().limit, down = limit > Millis(0) ? limit : p_.down,
               up = limit > Millis(0) ? limit : p_.up;
  if (!s_.down && s_.guest_time() - s_.operation_began > down) never_went_down();
  if (s_.down && s_.guest_time() - s_.first_reset > up)
    fail(Ending::hung, "the guest did not come back from its reboot");
}

bool CellMachine::heart_stopped() {
  if (s_.guest_time() - s_.last_beat <= p_.beat) return false;
  fail(Ending::hung, "the heartbeat was lost");
  return true;
}

}  // namespace labctl::cell
