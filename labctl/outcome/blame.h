// Whose module a crash happened in. It changes no verdict: a crash elsewhere blocks as well; it tells the
// reader where to look.
#pragma once

#include <string>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::outcome {

// How a failed unit of systemd is called in findings.
std::string title_of_failed(const std::string& unit);

// Whether the culprit that the finding names is the module under test in this cell, or one of the services
// that the scenario says are the candidate's: the unit, or a program that is called as it.
bool of_candidate(const plan::Cell& cell, const crash::Finding& finding);

// "BUG: ... in sensor_equal [module sensor, the candidate's]".
std::string sentence(const plan::Cell& cell, const Observation& seen);

}  // namespace labctl::outcome
