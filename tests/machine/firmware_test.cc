// What a host needs for guests with UEFI, and what it says when that is missing.
#include "labctl/machine/qemu/firmware.h"

#include <stdlib.h>

#include <string>

#include "tests/catch.h"

using namespace labctl;
using machine::Platform;

TEST_CASE("a Windows with Secure Boot needs swtpm, and no other guest does") {
  const std::string before = ::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto missing = machine::find_tpm(Firmware::uefi_secure, Platform::hyperv);
  CHECK(machine::find_tpm(Firmware::uefi_secure, Platform::generic));
  CHECK(machine::find_tpm(Firmware::uefi, Platform::hyperv));
  ::setenv("PATH", before.c_str(), 1);
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().what, ContainsSubstring("swtpm is not installed"));
  CHECK(missing.error().hint == "apt-get install swtpm swtpm-tools");
}
