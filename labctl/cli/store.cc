#include "labctl/cli/store.h"

namespace labctl::cli {

image::Store open_store(const host::Paths& paths) { return {paths.recipes, paths.store}; }

Result<std::string> kernel_release_of(const image::Store& store, const std::string& image) {
  auto found = store.find(image);
  if (!found) return fail(found.error());
  return found->facts.kernel_release;
}

}  // namespace labctl::cli
