// The images of this host. No hypervisor is needed to look at them.
#pragma once

#include "labctl/image/image.h"
#include "labctl/lab/places.h"

namespace labctl::cli {

image::Store open_store(const lab::Places& places);

}  // namespace labctl::cli
