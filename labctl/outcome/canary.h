// Whether the channels of an image on a machine are proved: a pass rests on their silence, so each must have
// reported a crash that was caused on purpose.
#pragma once

#include <fmt/core.h>

#include <string>
#include <vector>

#include "labctl/event/channel.h"

namespace labctl::outcome {

// What the clones of one image on one machine showed when they were killed on purpose, before its cells ran.
struct CanaryDeath {
  std::string crash;                  // "panic", "hang" ...
  std::vector<event::Channel> due;    // channels that must report it
  std::vector<event::Channel> spoke;  // channels that did
  std::string title;                  // of the first finding, empty when there was none
  std::string reason;                 // why it proves nothing, empty when it does
  bool proved() const { return reason.empty(); }
};
struct Canary {
  std::string image;
  std::string machine = {};  // its label in the scenario, if it has one
  std::string made = {};     // when, in UTC; earlier than the run when its proof was reused
  std::vector<CanaryDeath> deaths = {};
  std::string refused = {};  // why the run may not stand on these records, whatever they show
  std::string name() const {
    return machine.empty() ? image : fmt::format("{} on machine {}", image, machine);
  }
  bool proved() const;
  std::string reason() const;  // why its channels are not proved, empty when they are
};

}  // namespace labctl::outcome
