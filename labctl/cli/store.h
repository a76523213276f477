// The images of this host. No hypervisor is needed to look at them.
#pragma once

#include "labctl/host/paths.h"
#include "labctl/image/image.h"

namespace labctl::cli {

image::Store open_store(const host::Paths& paths);

}  // namespace labctl::cli
