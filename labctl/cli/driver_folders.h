// Drivers whose artifact is a folder: the packages in it, installed together. A plan names files, so whoever
// has the folder puts them in its place before anything else is done with the plan.
#pragma once

#include <string>

#include "labctl/base/result.h"
#include "labctl/plan/plan.h"

namespace labctl::cli {

// Of every driver that is a folder here: its packages of the driver's kind, by name; of kind script all its
// files. What is not here is left as it is, and is reported by who needs it. Errors (input): a folder without
// such a file.
Result<plan::Plan> open_driver_folders(plan::Plan plan, const std::string& scenario_file);

}  // namespace labctl::cli
