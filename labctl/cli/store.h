// The images of this host. No hypervisor is needed to look at them.
#pragma once

#include "labctl/host/paths.h"
#include "labctl/image/image.h"

namespace labctl::cli {

image::Store open_store(const host::Paths& paths);

// The release of a built image's kernel, as it was found when it was built. Errors: not built, or it names
// none.
Result<std::string> kernel_release_of(const image::Store& store, const std::string& image);

}  // namespace labctl::cli
