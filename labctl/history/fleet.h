// Which kernels the customers run: `kernel_release,machines[,distro]`, one a line. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::history {

struct FleetLine {
  std::string kernel_release;
  std::int64_t machines = 0;
  std::string distro;  // empty: not said
};
using Fleet = std::vector<FleetLine>;

// CSV with that header; a release that stands on several lines is added up. Errors (input) with the line.
Result<Fleet> read_fleet(std::string_view text, const std::string& where);

// The recipe that would make an image with this kernel, as lines of an image.yaml; of another distribution
// than Debian a comment that says what to do.
std::string recipe_for(const FleetLine& line);

}  // namespace labctl::history
