// Puts an image into a store as `labctl image build` would, without a disk that boots:
//
//   make_image RECIPES STORE NAME KERNEL_RELEASE KERNEL_VERSION

#include <cstdio>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/image/image.h"

using namespace labctl;

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const image::Store store({argv[1]}, argv[2]);
  const auto recipe = store.recipe(argv[3]);
  if (!recipe) return std::fprintf(stderr, "make_image: %s\n", recipe.error().text().c_str()), 3;
  const Json facts{{"labctl", 1},           {"name", argv[3]},           {"os", "linux"},
                   {"key", recipe->key},    {"sha256", sha256("disk")},  {"disk_bytes", 4},
                   {"disk_size", 4},        {"kernel_release", argv[4]}, {"kernel_version", argv[5]},
                   {"suite", recipe->suite}};
  const auto folder = store.folder(*recipe);
  if (!make_dirs(folder) || !write_file(folder / "disk.qcow2", "disk") ||
      !write_file(folder / "facts.json", dump_pretty(facts)))
    return 3;
}
