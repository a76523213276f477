#include "labctl/cli/store.h"

namespace labctl::cli {

image::Store open_store(const host::Paths& paths) { return {paths.recipes, paths.store}; }

}  // namespace labctl::cli
