// Windows' setup log of devices and drivers, written after its documentation.
#include "labctl/crash/log.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

std::vector<Finding> read(const std::string& log, std::optional<Os> os = {}) {
  LogScanner scanner(os);
  scanner.feed(log);
  return scanner.finish();
}

const std::string head =
    "[Device Install Log]\r\n     OS Version = 10.0.20348\r\n[BeginLog]\r\n\r\n"
    ">>>  [Setup Import Driver Package - C:\\Windows\\Temp\\pkg\\Other.inf]\r\n"
    ">>>  Section start 2026/11/22 08:15:29.000\r\n"
    "!    inf: Section [Other] has no lines\r\n"
    "<<<  Section end 2026/11/22 08:15:30.000\r\n<<<  [Exit status: SUCCESS]\r\n\r\n"
    ">>>  [Device Install (DiInstallDriver) - C:\\ProgramData\\labctl\\package\\Sensor.inf]\r\n"
    ">>>  Section start 2026/11/22 08:15:31.000\r\n"
    "     sig: {_VERIFY_FILE_SIGNATURE} 08:15:31.100\r\n";
const std::string errors =
    "!!!  sig: Verifying file against specific valid catalog failed.\r\n"
    "!!!  sto: Failed to verify file 'sensor.sys' against catalog. Error = 0x800F0247\r\n";
const std::string failure =
    "<<<  Section end 2026/11/22 08:15:32.000\r\n<<<  [Exit status: FAILURE(0x800f0247)]\r\n";

}  // namespace

TEST_CASE("an installation that failed is told with its package, its status and its errors") {
  const auto found = read(head + errors + failure);
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "driver installation failed for sensor.inf (0x800F0247)");
  CHECK(found[0].kind == Kind::error);
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].line == 11);
  CHECK(found[0].confirmed);
  CHECK_THAT(found[0].excerpt, ContainsSubstring("Failed to verify file 'sensor.sys' against catalog"));
}

TEST_CASE("an installation that got over its errors did not fail, and a torn one may have") {
  CHECK(read(head + errors + "<<<  [Exit status: SUCCESS]\r\n").empty());
  CHECK(read(head).empty());
  const auto torn = read(head + errors);
  REQUIRE(torn.size() == 1);
  CHECK(torn[0].title == "driver installation failed for sensor.inf");
  CHECK_FALSE(torn[0].confirmed);
  CHECK(read(head + errors + failure, Os::linux_).empty());
  CHECK(read("!!!  sto: Failed\r\n" + failure).empty());  // in no section
}

TEST_CASE("each package that failed is told, one of them once") {
  const std::string other = ">>>  [Device Install - C:\\x\\other.inf]\r\n!!!  x\r\n" + failure;
  CHECK(read(head + errors + failure + other + other).size() == 2);
}

}  // namespace labctl::crash
