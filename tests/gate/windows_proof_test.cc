// How drivers are taken into a Windows that is to be proved: each way is a scenario that has no mistake.

#include "labctl/gate/windows_proof.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"
#include "tests/catch.h"

using namespace labctl;
using gate::WindowsWay;

namespace {

gate::WindowsProofOrder order() {
  return {.image = "windows-11",
          .drivers = {"a/sensor.sys", "sensor.ZIP", "sensor.msi"},
          .crashing = {"bad.sys"},
          .service = {},
          .certificate = "sensor.cer",
          .out = "out",
          .host = {}};
}

const machine::Shape shape{.vcpus = 2, .memory = 4096ull << 20, .firmware = Firmware::uefi_secure};

}  // namespace

TEST_CASE("every way of taking a driver into a Windows is a scenario without a mistake") {
  const auto ways = gate::windows_ways(order());
  REQUIRE(ways);
  CHECK(ways->size() == 6);
  for (const WindowsWay& way : *ways) {
    const auto text = gate::windows_scenario(order(), way, "/there/${x}/" + way.file, shape);
    INFO(text);
    const auto loaded = scenario::load(text, "proof.yaml", {});
    for (const auto& mistake : loaded.mistakes) UNSCOPED_INFO(mistake.text());
    REQUIRE(loaded.scenario);
    const auto plan = plan::expand(*loaded.scenario, Date(std::chrono::sys_days(std::chrono::days(20000))));
    REQUIRE(plan);
    const auto& cell = plan->cells.front();
    CHECK(cell.driver_path == "/there/${x}/" + way.file);
    CHECK(cell.guest.driver.modules == std::vector<std::string>{way.should_crash ? "bad" : "sensor"});
    CHECK(cell.machine.firmware == Firmware::uefi_secure);
    CHECK(cell.boots_wanted() == (way.should_crash ? 1 : 2));
    CHECK(cell.guest.driver.start == (way.way == "boot-start" ? "boot" : cell.guest.driver.start));
    if (way.way == "inf") CHECK(cell.guest.driver.certificate == "sensor.cer");
  }
}

TEST_CASE("a kind of driver for which no file was given is named, and a file of no kind is refused") {
  auto some = order();
  some.drivers = {"sensor.sys"};
  some.crashing.clear();
  const auto ways = gate::windows_ways(some);
  REQUIRE(ways);
  std::size_t missing = 0;
  for (const auto& way : *ways) missing += way.file.empty() ? 1 : 0;
  CHECK(missing == 3);  // inf, msi, crash
  for (const char* file : {"sensor.ko", "sensor", "sensor.sys.txt"}) {
    some.drivers = {file};
    CHECK_FALSE(gate::windows_ways(some));
  }
  some.drivers.clear();
  some.crashing = {"bad.zip"};
  CHECK_FALSE(gate::windows_ways(some));
}
