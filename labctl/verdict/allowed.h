// What only passes because people accept it: waivers, and options of the scenario that ask for less than
// labctl does by itself. It is listed beside the verdict and decides nothing; what a single finding counts
// for is outcome/accept.h.
#pragma once

#include <string>
#include <vector>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::verdict {

enum class WaiverState { used, unused, expired };
const char* to_string(WaiverState state);

struct WaiverUse {
  scenario::Acceptance waiver;
  WaiverState state = WaiverState::unused;
};

// What passed only because the scenario asks for less than labctl does by itself.
inline constexpr const char* warnings_option = "policy.warnings";
inline constexpr const char* unproved_option = "content.unproved";
struct Weakness {
  std::string option;              // of the scenario
  std::string title;               // of the finding that it let pass; why content is unproved
  std::vector<std::string> cells;  // in the plan's order, controls too
};

// What the policy let pass in cells that ended as wanted, and why their content is unproved; each title once.
std::vector<Weakness> weaknesses(const plan::Plan& plan, const std::vector<outcome::Outcome>& outcomes);

// The waivers of the plan, in its order, with what became of them.
std::vector<WaiverUse> waiver_uses(const plan::Plan& plan, const std::vector<outcome::Outcome>& outcomes);

}  // namespace labctl::verdict
