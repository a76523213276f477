// Threads of a guest that sleep uninterruptibly, as evidence() lists them. To sleep so is no fault: a thread
// may wait for its disk. One that has not been switched between two answers has slept all the time between
// them. Untrusted and bounded.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/guest/guest.h"

namespace labctl::guest {

struct Sleeper {
  std::string thread;    // its number and when it began: no other thread of this boot has both
  std::string switches;  // voluntary and other ones so far, as the guest wrote them; only good to be compared
  std::string name;
  std::vector<std::string> frames;  // "func+0x1a/0x40 [module]", the innermost first; may be empty
};

std::vector<Sleeper> sleepers(const Facts& facts);

// How long such a thread sleeps at most until the guest's own watchdog must have reported it; nothing where
// that is switched off or not there.
Millis hung_task_patience(const Facts& facts);

// The text that the kernel's watchdog has for such a thread, from which the recogniser makes the same title.
std::string hung_task_report(const Sleeper& sleeper, Millis slept);

}  // namespace labctl::guest
