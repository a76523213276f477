#include "labctl/crash/binary.h"

#include <string_view>

#include "tests/catch.h"

using namespace labctl::crash;
using namespace std::string_view_literals;

TEST_CASE("a file that is no log is known by its first bytes") {
  CHECK(binary_kind("\x7f"
                    "ELF\x02\x01\x01\0"sv) == "an ELF file");
  CHECK(binary_kind("\xfd"
                    "7zXZ\0\0\x04"sv) == "an xz archive");
  CHECK(binary_kind("LPKSHHRH\0\0"sv) == "a binary journal of systemd");
  CHECK(binary_kind("\x7f"
                    "EL"sv)
            .empty());
  CHECK(binary_kind("").empty());
  CHECK(binary_kind("[    0.000000] Linux version 6.1").empty());
  CHECK(binary_kind("\0\0\0\0\0\0[    0.000000] Linux"sv).empty());  // a console begins with noise at times
}
