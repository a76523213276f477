// How long is waited, and for what. A host's speed shows in the boot time; what a driver's package, a service
// or a tool takes by itself (a stop job of 90 s, an index that is written) does not shrink with it.

#include <algorithm>

#include "labctl/cell/cell.h"

namespace labctl::cell {

using namespace std::chrono_literals;

namespace {

Millis within_reason(Millis boot_time) { return std::clamp<Millis>(boot_time, 3s, 10min); }

constexpr Millis stop_floor = 120s, boot_floor = 3min;

}  // namespace

Timeouts timeouts(Millis boot_time, bool floors) {
  const Millis boot = within_reason(boot_time);
  const auto at_least = [&](Millis floor, Millis multiple) {
    return floors ? std::max(floor, multiple) : multiple;
  };
  return {
      .agent = 3 * boot + 60s,
      .answer = 2 * boot + 30s,
      .long_answer = at_least(boot_floor, 5 * boot + 60s),
      .down = at_least(stop_floor, 2 * boot + 60s),  // systemd alone gives a stuck service 90 s
      .up = at_least(boot_floor, 5 * boot + 60s),
      // A second kernel boots from the disk, reads all memory and writes a part of it.
      .crash = std::max<Millis>(5min, 10 * boot + 60s),
      .beat = boot + 15s,
      .grace = 4s,
      .sweep = 15s,
      .suspect = 20s,
      .merge = boot / 4 + 2s,
      .back = boot / 8,
      .dying = 2 * boot + 60s,  // a dump of all memory takes its time
      .dumping = boot + 30s,
      .again = 2 * boot + 30s,
      .disk = 10min,
  };
}

Millis limit_of(Work work, Millis boot_time) {
  const Millis boot = within_reason(boot_time), usual = 5 * boot + 60s;
  switch (work) {
    case Work::install:
      return std::max<Millis>(15min, usual);
    case Work::build:
      return std::max<Millis>(60min, usual);
    case Work::command:
      return std::max<Millis>(5min, usual);
    case Work::proof:
      return std::max<Millis>(60s, 2 * boot + 30s);
  }
  return usual;
}

}  // namespace labctl::cell
