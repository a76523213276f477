// What a run takes from outside.
#include "labctl/lab/supplies.h"

#include <stdlib.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("an artifact that is a symbolic link is followed, and the file behind it named") {
  char name[] = "/tmp/labctl-supplies-XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  REQUIRE(write_file(folder / "driver-1.2.deb", "driver"));
  REQUIRE(write_file(folder / "content.bin", "content"));
  fs::create_symlink("driver-1.2.deb", folder / "latest.deb");
  plan::Plan plan;
  plan::Cell cell;
  cell.id = "a";
  cell.driver_path = "latest.deb";
  cell.content_path = "content.bin";
  plan.cells = {cell};
  const image::Store store({fs::path(LABCTL_SOURCE) / "images"}, folder / "images");
  plan.cells[0].image = "debian-12-linux-6.1";
  const auto recipe = store.recipe(plan.cells[0].image);
  REQUIRE(recipe);
  REQUIRE(make_dirs(store.folder(*recipe)));
  const Json facts{{"key", recipe->key}, {"sha256", sha256("disk")}, {"disk_bytes", 4}};
  REQUIRE(write_file(store.folder(*recipe) / "disk.qcow2", "disk"));
  REQUIRE(write_file(store.folder(*recipe) / "facts.json", dump_pretty(facts)));
  const auto supplies = lab::Supplies::gather(plan, (folder / "gate.yaml").string(), store, folder / "work");
  REQUIRE(supplies);
  const auto all = supplies->links();
  REQUIRE(all.size() == 1);
  CHECK_THAT(all[0], ContainsSubstring("latest.deb is a symbolic link: what is tested is " +
                                       fs::canonical(folder / "driver-1.2.deb").string()));
  fs::remove_all(folder);
}
