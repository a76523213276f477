// Which operating system it is: of an image at rest, and for whoever reads what it prints.
#pragma once

#include "labctl/crash/crash.h"
#include "labctl/guest/guest.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"

namespace labctl::snapshot {

scenario::Os os_of(const image::Image& image);

// The machine that it is made for.
machine::Platform platform_of(scenario::Os os);

// Whose console messages are looked for.
crash::Os scanned_as(scenario::Os os);

}  // namespace labctl::snapshot
