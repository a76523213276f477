// Whose module a crash happened in. It changes no verdict: a crash elsewhere blocks as well; it tells the
// reader where to look.
#pragma once

#include <string>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::outcome {

// Whether the culprit that the finding names is the module under test in this cell.
bool of_candidate(const plan::Cell& cell, const crash::Finding& finding);

// "BUG: ... in sensor_equal [module sensor, the candidate's]".
std::string sentence(const plan::Cell& cell, const Observation& seen);

}  // namespace labctl::outcome
