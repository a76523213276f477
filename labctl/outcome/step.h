// Which step of its story a cell is in. A value: what reports draw is chosen by what a step does and not by
// what it is called.
#pragma once

#include <string>
#include <utility>

namespace labctl::outcome {

// What a step does with the guest.
enum class Activity { prepare, boot, install, apply, use, settle, proof, evidence };

struct StepId {
  Activity activity = Activity::prepare;
  std::string name;  // for people: "install driver", "boot 2/3"
  std::string part;  // of it: "proof", "settle"; empty: the step itself

  StepId(const char* its_name) : name(its_name) {}
  StepId(std::string its_name = {}) : name(std::move(its_name)) {}
  StepId(Activity what, std::string its_name) : activity(what), name(std::move(its_name)) {}

  StepId with(std::string its_part, Activity what) const {
    StepId step(what, name);
    step.part = std::move(its_part);
    return step;
  }
  // "boot 2/3: settle", as progress displays and `--until` call it.
  std::string text() const { return part.empty() ? name : name + ": " + part; }

  bool operator==(const StepId&) const = default;
};

}  // namespace labctl::outcome
