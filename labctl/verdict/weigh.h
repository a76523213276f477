// What one cell cannot show alone: an error that leaves the kernel alive and untainted may be the image's or
// the host's as well as the candidate's. Such findings end no cell; they are weighed when all cells have
// ended, against what the controls of the same run show.
#pragma once

#include <string>
#include <vector>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::verdict {

// What the candidate's cells log as an error and no control does.
struct NewError {
  std::string title;
  std::vector<std::string> cells;  // in the plan's order
};

// A candidate's cell that ended as wanted and has a weighed finding that counts, which came with the
// candidate in the guest and which no control of this run shows, has crashed. A service or program that
// failed must be the candidate's own, or have failed in two boots. Where the policy says so, a new error is
// such a finding too. `outcomes` are in the plan's order.
void weigh(const plan::Plan& plan, std::vector<outcome::Outcome>& outcomes);

// What cells with a candidate log as errors and no control does, in the order in which they came.
std::vector<NewError> new_errors(const plan::Plan& plan, const std::vector<outcome::Outcome>& outcomes);

}  // namespace labctl::verdict
