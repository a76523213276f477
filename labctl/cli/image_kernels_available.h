// What `image kernels --available` does: the kernels that package archives have, each with the image that has
// it or the recipe that would.
#pragma once

#include <string>
#include <vector>

namespace labctl::cli {

struct AvailableKernels {
  std::vector<std::string> suites;  // of Debian; none: those of the images that are built
  std::string out;                  // a folder for recipes and scenario; empty: they are printed
  bool json = false;
};

// Prints, and gives the exit code: 2 when no source names a suite or `out` has such files already, 3 when an
// archive cannot be read.
int image_kernels_available(const AvailableKernels& options);

}  // namespace labctl::cli
