// What a run takes from outside.
#include "labctl/lab/supplies.h"

#include <stdlib.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("a link is followed and named, and so is a driver that names no build") {
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

  // It is no package, and so names no build of its module.
  REQUIRE(supplies->untied().size() == 1);
  CHECK_THAT(supplies->untied()[0], ContainsSubstring("latest.deb cannot be tied to what a guest loads"));
  REQUIRE(supplies->unproved().size() == 1);
  CHECK_THAT(supplies->unproved()[0].text(), ContainsSubstring("the scenario names no module"));
  CHECK(supplies->of(cell).builds == std::map<std::string, std::vector<std::string>>{{"driver.deb", {}}});
  plan.cells[0].guest.proof = {{.run = "sensorctl selftest"}};
  const auto proved = lab::Supplies::gather(plan, (folder / "gate.yaml").string(), store, folder / "work");
  REQUIRE(proved);
  CHECK(proved->unproved().empty());
  CHECK(proved->untied().size() == 1);
  fs::remove_all(folder);
}
