// Which operating system an image at rest has.
#pragma once

#include "labctl/guest/guest.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"

namespace labctl::snapshot {

scenario::Os os_of(const image::Image& image);

// The machine that it is made for.
machine::Platform platform_of(scenario::Os os);

}  // namespace labctl::snapshot
