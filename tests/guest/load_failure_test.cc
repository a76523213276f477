// What Windows wrote down of a driver that it did not load, in words.
#include "labctl/guest/load_failure.h"

#include "tests/catch.h"

using namespace labctl::guest;

TEST_CASE("the numbers that Windows wrote down say why a driver did not load") {
  CHECK(load_failure("7000 %%577") ==
        "event 7000 (the service did not start), error 577 (its signature cannot be verified)");
  CHECK(load_failure("219 0xC0000428; 3077") ==
        "event 219 (Plug and Play could not load the driver), status 0xC0000428 (its signature cannot be "
        "verified); "
        "Code Integrity 3077 (a policy refused the file)");
  CHECK(load_failure("3077 0xC0000428; 3089 labctl test, 'quoted'\x1b") ==
        "Code Integrity 3077 (a policy refused the file), status 0xC0000428 (its signature cannot be "
        "verified); "
        "Code Integrity 3089 (it is signed by 'labctl test, 'quoted'\\x1b')");
  CHECK(load_failure("7026") == "event 7026 (a driver of the boot did not load)");
  CHECK(load_failure("7000 %%9999") == "event 7000 (the service did not start), error 9999");
  CHECK(
      load_failure("setupapi sto: Failed to verify file 'sensor.sys' against catalog. Error = 0x800F0247") ==
      "the setup log says: sto: Failed to verify file 'sensor.sys' against catalog. Error = 0x800F0247");
}

TEST_CASE("what a kernel said of a module that it refused is its own words") {
  CHECK(load_failure("kernel Lockdown: insmod: unsigned module loading is restricted") ==
        "the kernel said: Lockdown: insmod: unsigned module loading is restricted");
  CHECK(load_failure("kernel \x1b[2J").find('\x1b') == std::string::npos);
}

TEST_CASE("a reason that is none is left out, and what a guest says of itself is bounded") {
  CHECK(load_failure("").empty());
  CHECK(load_failure("12345; ; x").empty());
  CHECK(load_failure("7000 rm -rf") == "event 7000 (the service did not start)");
  CHECK(load_failure("7000 %%") == "event 7000 (the service did not start)");
  CHECK(load_failure("setupapi \x1b[2J").find('\x1b') == std::string::npos);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "7026; setupapi " + std::string(1000, 'x') + ";";
  CHECK(load_failure(many).size() < 1200);
}
