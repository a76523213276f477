// Drivers that are built once for each kernel: ${kernel} in their paths is the release of the image's kernel.
// Only whoever has the image knows it, so it is filled in after a plan has been made, as a value. Pure.
#pragma once

#include <functional>
#include <string>

#include "labctl/plan/plan.h"

namespace labctl::plan {

// Whether a path of its drivers still names ${kernel}.
bool lacks_kernel(const Cell& cell);

// The release of an image's kernel. Errors: it is not known here; said again of the path that needs it.
using KernelOf = std::function<Result<std::string>(const std::string& image)>;
enum class Unknown { is_a_mistake, stays };

// Errors (input), with the place of the path in `source`: what `kernel_of` says, or no kernel's release, or a
// path that holds the release besides ${kernel}: it could not be read back.
Result<Plan> fill_kernels(Plan plan, const std::string& source, const KernelOf& kernel_of,
                          Unknown unknown = Unknown::is_a_mistake);

// As it was before: what a scenario says, whatever the images were.
Plan without_kernels(Plan plan);

}  // namespace labctl::plan
