// A kernel's watchdogs count the host's seconds. Where the host gives the guest next to no CPU they report
// lockups, stalls and dead timers of a kernel that is well. Such a report is the lab's failure: it blames
// nobody, it passes nothing, and it is not tried again, because it may have been true all the same.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/cell_machine.h"
#include "labctl/crash/meaning.h"
#include "labctl/outcome/accept.h"

namespace labctl::cell {
namespace {

using namespace std::chrono_literals;

// As long as the images' watchdogs are patient (30 s), and a little for their word to come through.
constexpr Millis lookback = 40s;
constexpr Millis between_ticks = 1s;

}  // namespace

void CellMachine::remember_tick() {
  auto& ticks = s_.ticks;
  if (!ticks.empty() && s_.now - ticks.back().at < between_ticks) return;
  ticks.push_back({s_.now, s_.cpu_wait});
  while (ticks.size() > 1 && s_.now - ticks[1].at >= lookback) ticks.pop_front();
}

// How long it had no CPU in the time that a watchdog looks back on, if that was too long for a watchdog. A
// busy host alone is no excuse: of a guest that has a third of the time no healthy task is kept waiting so
// long. A timer's interrupts are missed sooner.
std::optional<Millis> CellMachine::had_no_cpu_for(const crash::Finding& finding) const {
  const bool timer = crash::is_dead_timer(finding);
  if ((!timer && outcome::ending_for(finding.kind) != Ending::hung) || s_.ticks.empty()) return std::nullopt;
  const Millis went_by = s_.now - s_.ticks.front().at, cpu_wait = s_.cpu_wait - s_.ticks.front().cpu_wait;
  if (went_by < lookback / 2) return std::nullopt;
  return cpu_wait * 3 >= went_by * (timer ? 1 : 2) ? std::optional(cpu_wait) : std::nullopt;
}

bool CellMachine::is_of_cpu_wait(const crash::Finding& finding, Channel channel) {
  const auto cpu_wait = had_no_cpu_for(finding);
  if (!cpu_wait) return false;
  note(finding, channel);
  s_.cpu_wait_reason = fmt::format(
      "the host starved the guest (no CPU in {} of the last {}), and its kernel said '{}'",
      show_duration(*cpu_wait), show_duration(s_.now - s_.ticks.front().at), printable(finding.title));
  s_.outcome.unheard = true;
  lab(s_.cpu_wait_reason);
  return true;
}

// A dead timer is reported by the panic device as well, before or after the console.
void CellMachine::excuse_cpu_wait() {
  if (s_.cpu_wait_reason.empty() || s_.outcome.ending != Ending::crashed) return;
  bool timer = false, other = false;
  for (const auto& seen : s_.findings) {
    if (!outcome::blocks(s_.cell, seen.finding)) continue;
    timer = timer || crash::is_dead_timer(seen.finding);
    other = other || (!crash::is_dead_timer(seen.finding) && seen.channel != Channel::panic_device);
  }
  if (!timer || other) return;
  s_.outcome.ending = Ending::lab_failed;
  s_.outcome.reason = s_.cpu_wait_reason;
}

}  // namespace labctl::cell
