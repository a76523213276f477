// Images are built side by side, and each is booted once before it counts.
#pragma once

#include <string>
#include <vector>

#include "labctl/gate/environment.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"

namespace labctl::gate {

struct ImageOrder {
  std::string image;
  // What it is booted in; none: as scenarios have it that say nothing, and only when it was built now.
  std::vector<machine::Shape> shapes = {};
};

struct BuildOrder {
  std::vector<ImageOrder> images;
  unsigned jobs = 0;        // builds at once; 0: as many as pay
  bool disks_only = false;  // without booting what was built
  image::BuildInputs inputs = {};
  HostOrder host;
};

// One order for each image of the plan's cells, in the shapes of their machines.
std::vector<ImageOrder> images_of(const plan::Plan& plan);

// The images that were wanted, as ImageEnded gives them when they are ready. Errors: those of the images that
// could not be had, or that the cache is not labctl's; an interruption.
Answer<void> build_images(const BuildOrder& order, const Environment& environment, Observer& observer);

}  // namespace labctl::gate
