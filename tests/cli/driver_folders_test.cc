// Drivers whose artifact is a folder of packages.
#include "labctl/cli/driver_folders.h"

#include <stdlib.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("a driver's folder is the packages of its kind in it, by name") {
  char name[] = "/tmp/labctl-drivers-XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  fs::create_directories(folder / "new" / "more");
  fs::create_directories(folder / "old");
  for (const char* file : {"new/b.deb", "new/a.deb", "new/readme.txt", "new/more/c.deb", "old/a.deb"})
    REQUIRE(write_file(folder / file, file));
  plan::Plan plan;
  plan.cells.resize(3);
  auto& cell = plan.cells[0];
  cell.driver_path = "new/";
  cell.extra_drivers = {{.label = "previous", .path = "old", .mark = {}}};
  plan.cells[1].driver_path = "new/a.deb";
  plan.cells[2].driver_path = "is not here";
  const std::string file = (folder / "gate.yaml").string();
  const auto opened = cli::open_driver_folders(plan, file);
  REQUIRE(opened);
  CHECK(opened->cells[0].driver_path == "new/a.deb");
  CHECK(opened->cells[0].driver_with == std::vector<std::string>{"new/b.deb"});
  CHECK(opened->cells[0].extra_drivers[0].path == "old/a.deb");
  CHECK(opened->cells[0].extra_drivers[0].with.empty());
  CHECK(opened->cells[1].driver_path == "new/a.deb");
  CHECK(opened->cells[1].driver_with.empty());
  CHECK(opened->cells[2].driver_path == "is not here");

  plan.cells[0].guest.driver.kind = scenario::DriverKind::rpm;
  plan.cells[0].driver_mark = {3, 5};
  const auto none = cli::open_driver_folders(plan, file);
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error().text(),
             ContainsSubstring(":3:5: the driver's folder has no file that ends in .rpm: new/"));
  plan.cells[0].guest.driver.kind = scenario::DriverKind::script;
  REQUIRE(cli::open_driver_folders(plan, file));
  CHECK(cli::open_driver_folders(plan, file)->cells[0].driver_with.size() == 2);
  fs::remove_all(folder);
}
