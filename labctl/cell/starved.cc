// A kernel's watchdogs count the host's seconds. Where the host gives the guest next to no CPU they report
// lockups, stalls and dead timers of a kernel that is well. Such a report is the lab's failure: it blames
// nobody, it passes nothing, and it is not tried again, because it may have been true all the same.

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cell/life.h"
#include "labctl/outcome/accept.h"

namespace labctl::cell {
namespace {

using namespace std::chrono_literals;

// As long as the images' watchdogs are patient (30 s), and a little for their word to come through.
constexpr Millis lookback = 40s;
constexpr Millis between_ticks = 1s;

// Told before anything but the kernel itself has run.
bool is_dead_timer(const crash::Finding& finding) {
  return finding.kind == crash::Kind::panic && finding.title.find("IO-APIC + timer") != std::string::npos;
}

}  // namespace

void Life::remember_tick() {
  auto& ticks = s_.ticks;
  if (!ticks.empty() && s_.now - ticks.back().at < between_ticks) return;
  ticks.push_back({s_.now, s_.starved});
  while (ticks.size() > 1 && s_.now - ticks[1].at >= lookback) ticks.pop_front();
}

// How long it had no CPU in the time that a watchdog looks back on, if that was too long for a watchdog. A
// busy host alone is no excuse: of a guest that has a third of the time no healthy task is kept waiting so
// long. A timer's interrupts are missed sooner.
std::optional<Millis> Life::too_starved_for(const crash::Finding& finding) const {
  const bool timer = is_dead_timer(finding);
  if ((!timer && outcome::ending_for(finding.kind) != Ending::hung) || s_.ticks.empty()) return std::nullopt;
  const Millis went_by = s_.now - s_.ticks.front().at, starved = s_.starved - s_.ticks.front().starved;
  if (went_by < lookback / 2) return std::nullopt;
  return starved * 3 >= went_by * (timer ? 1 : 2) ? std::optional(starved) : std::nullopt;
}

bool Life::blame_the_host(const crash::Finding& finding, Channel channel) {
  const auto starved = too_starved_for(finding);
  if (!starved) return false;
  note(finding, channel);
  s_.starving = "the host starved the guest (no CPU in " + show_duration(*starved) + " of the last " +
                show_duration(s_.now - s_.ticks.front().at) + "), and its kernel said '" +
                printable(finding.title) + "'";
  s_.outcome.unheard = true;
  lab(s_.starving);
  return true;
}

// A dead timer is told by the panic device as well, before or after the console.
void Life::excuse_starved() {
  if (s_.starving.empty() || s_.outcome.ending != Ending::crashed) return;
  bool timer = false, other = false;
  for (const auto& seen : s_.findings) {
    if (!outcome::blocks(s_.cell, seen.finding)) continue;
    timer = timer || is_dead_timer(seen.finding);
    other = other || (!is_dead_timer(seen.finding) && seen.channel != Channel::panic_device);
  }
  if (!timer || other) return;
  s_.outcome.ending = Ending::lab_failed;
  s_.outcome.reason = s_.starving;
}

}  // namespace labctl::cell
