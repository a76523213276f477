#include "labctl/cli/store.h"

namespace labctl::cli {

image::Store open_store(const host::Places& places) { return {places.recipes, places.store}; }

}  // namespace labctl::cli
