#include <algorithm>
#include <set>

#include "labctl/crash/windows/stop_codes.h"
#include "tests/catch.h"

namespace labctl::crash {

TEST_CASE("stop codes are sorted, and codes and names are each there once") {
  const auto all = stop_codes();
  CHECK(all.size() >= 300);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].name);
    if (i > 0) CHECK(all[i - 1].code < all[i].code);
    CHECK(names.insert(all[i].name).second);
    CHECK(all[i].name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos);
    CHECK(stop_name(all[i].code) == all[i].name);
    CHECK(stop_code(all[i].name) == all[i].code);
  }
}

TEST_CASE("stop codes have the names that Microsoft gave them") {
  const std::vector<std::pair<std::uint64_t, std::string_view>> known = {
      {0x0A, "IRQL_NOT_LESS_OR_EQUAL"},
      {0x1E, "KMODE_EXCEPTION_NOT_HANDLED"},
      {0x3B, "SYSTEM_SERVICE_EXCEPTION"},
      {0x50, "PAGE_FAULT_IN_NONPAGED_AREA"},
      {0x7B, "INACCESSIBLE_BOOT_DEVICE"},
      {0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"},
      {0x80, "NMI_HARDWARE_FAILURE"},
      {0x9F, "DRIVER_POWER_STATE_FAILURE"},
      {0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION"},
      {0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION"},
      {0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
      {0xD6, "DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"},
      {0xE2, "MANUALLY_INITIATED_CRASH"},
      {0xE6, "DRIVER_VERIFIER_DMA_VIOLATION"},
      {0xEF, "CRITICAL_PROCESS_DIED"},
      {0x124, "WHEA_UNCORRECTABLE_ERROR"},
      {0x133, "DPC_WATCHDOG_VIOLATION"},
      {0x139, "KERNEL_SECURITY_CHECK_FAILURE"},
      {0x161, "LIVE_SYSTEM_DUMP"},
      {0xC000021A, "WINLOGON_FATAL_ERROR"},
  };
  for (const auto& [code, name] : known) CHECK(stop_name(code) == name);
  CHECK(is_live_dump(0x1B8));
  CHECK(is_live_dump(0x117));
  CHECK_FALSE(is_live_dump(0x116));
  CHECK_FALSE(is_live_dump(0x7E));
  CHECK(stop_name(0x1234).empty());
  CHECK(stop_name(0x10000007EULL).empty());
  CHECK_FALSE(stop_code("NO_SUCH_STOP"));
  CHECK_FALSE(stop_code(""));
  CHECK(stop_title(0x7E) == "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)");
  CHECK(stop_title(0x1000007E) == stop_title(0x7E));
  CHECK(stop_title(0x100000EA) == stop_title(0xEA));
  CHECK(stop_title(0x10001234) == "stop code 0x1234");  // one of which nobody knows the name, too
  CHECK(stop_title(0xDEADDEAD) == "MANUALLY_INITIATED_CRASH1 (0xDEADDEAD)");
  CHECK(stop_title(0xabcd1234) == "stop code 0xABCD1234");
  CHECK(stop_title(0xFFFFFFFFFFFFFFFF) == "stop code 0xFFFFFFFFFFFFFFFF");
}

}  // namespace labctl::crash
