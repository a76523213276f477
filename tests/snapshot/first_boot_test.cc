#include "labctl/snapshot/first_boot.h"

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/snapshot/prepared.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using namespace labctl::snapshot;
using namespace std::chrono_literals;

namespace {

const Patience little{.boot = 400ms, .quiet = 200ms, .settle = 2s, .word = 300ms};

// A guest whose console repeats what is written to the kernel's log, unless its script says otherwise.
struct Guest {
  image::Scratch scratch;
  test::FakeHost host;
  test::Script script;
  std::string state = "running";
  std::string keys;  // what shim's list shows, in base64
  bool console = true, answers = true, drive = true;
  int asked_for_the_drive = 0, drive_at = 1;  // the question that finds it
  Millis ping{0};
  std::string at_start = "[    0.000000] Linux version 6.1.0-fake\n[    0.500000] almost there\n";
  FirstBoot boot{scratch.path / "console.log", [](auto) {}, {}, little};

  Guest() {
    host.script_for = [this](const machine::Spec&) {
      test::Script made;
      made.agent = answers;
      made.ping = ping;
      made.at_start = [this](const machine::Sink& sink) { sink(machine::ConsoleBytes{at_start}); };
      made.on_command = [this](const std::string& command, int, const machine::Sink& sink) {
        using Answer = std::optional<std::pair<int, std::string>>;
        if (command.find("/dev/kmsg") != std::string::npos) {
          if (console) sink(machine::ConsoleBytes{"[    9.000000] " + command.substr(6) + "\n"});
          return Answer({0, ""});
        }
        if (command.find("is-system-running") != std::string::npos)
          return Answer(
              {0, "system=" + state + (state == "running" ? "\n" : "\nfailed=bad.service failed\n")});
        if (command.find("poweroff") != std::string::npos) {
          sink(machine::GuestStopped{});
          return Answer({0, ""});
        }
        if (command.find("/dev/sr0") != std::string::npos)
          return Answer({drive && ++asked_for_the_drive >= drive_at ? 0 : 124, ""});
        if (command.find("MokListRT") != std::string::npos) return Answer({0, keys});
        if (command == "false") return Answer({1, "no \x1b[31mway"});
        return Answer();
      };
      return made;
    };
  }

  std::string failure(const Status& status) {
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().fault == Fault::lab);
    return status.error().text();
  }
  Status power_on() {
    auto booted = boot.boot(host, {.name = "guest"});
    return booted ? Status() : fail(booted.error());
  }
};

}  // namespace

TEST_CASE("a guest that answers, settles and is heard is fit") {
  Guest guest;
  REQUIRE(guest.power_on());
  CHECK(guest.boot.settle());
  CHECK(guest.boot.prove_drive());
  CHECK(guest.boot.prove_console());
  CHECK(guest.boot.ask("true", 1s));
  CHECK(guest.boot.power_off());
  CHECK_THAT(read_file(guest.scratch.path / "console.log").value(), ContainsSubstring("almost there"));
}

TEST_CASE("a boot that ends while the first question waits for its answer has taken that time") {
  Guest guest;
  guest.ping = 50ms;
  const auto booted = guest.boot.boot(guest.host, {.name = "guest"});
  REQUIRE(booted);
  CHECK(*booted >= 50ms);
}

TEST_CASE("an agent that never answers is told with the console's last lines") {
  Guest guest;
  guest.answers = false;
  const std::string told = guest.failure(guest.power_on());
  CHECK_THAT(told, ContainsSubstring("its agent did not answer"));
  CHECK_THAT(told, ContainsSubstring("| [    0.500000] almost there"));
}

TEST_CASE("a guest that says nothing and never answers is told so") {
  Guest guest;
  guest.answers = false;
  guest.at_start = "";
  CHECK_THAT(guest.failure(guest.power_on()), ContainsSubstring("its console has printed nothing"));
}

TEST_CASE("a guest that dies while it boots is not waited for") {
  Guest guest;
  guest.answers = false;
  guest.at_start +=
      "[    1.000000] Kernel panic - not syncing: VFS: Unable to mount root fs\n[    1.1] more\n";
  CHECK_THAT(guest.failure(guest.power_on()), ContainsSubstring("its console shows: "));
}

TEST_CASE("a guest with a failed unit is not fit, and the unit is named") {
  Guest guest;
  guest.state = "degraded";
  REQUIRE(guest.power_on());
  const std::string told = guest.failure(guest.boot.settle());
  CHECK_THAT(told, ContainsSubstring("systemd reports 'degraded'"));
  CHECK_THAT(told, ContainsSubstring("bad.service"));
}

TEST_CASE("a guest whose kernel was not given the machine's keys is not fit for it") {
  Guest guest;
  const machine::Shape plain, keyed{.firmware = Firmware::uefi_secure, .keys = {"vendor", "next"}};
  REQUIRE(guest.power_on());
  CHECK(prove_prepared(guest.boot, plain));
  for (const std::string& shown :
       {std::string(), base64_encode("Debian, vendor"), std::string("no base64")}) {
    guest.keys = shown;
    CHECK_THAT(guest.failure(prove_prepared(guest.boot, keyed)),
               ContainsSubstring("its kernel was not given the machine's keys"));
  }
  guest.keys = base64_encode("Debian, vendor, next") + "\n";
  CHECK(prove_prepared(guest.boot, keyed));
}

TEST_CASE("a guest that boots without a serial console is not fit") {
  Guest guest;
  guest.console = false;
  guest.at_start = "";
  REQUIRE(guest.power_on());
  CHECK(guest.boot.settle());
  const std::string told = guest.failure(guest.boot.prove_console());
  CHECK_THAT(told, ContainsSubstring("do not appear on the serial console"));
  CHECK_THAT(told, ContainsSubstring("console=ttyS0"));
}

TEST_CASE("a guest without the drive that candidates come by is not fit") {
  Guest guest;
  guest.drive = false;
  REQUIRE(guest.power_on());
  CHECK(guest.boot.settle());
  const std::string told = guest.failure(guest.boot.prove_drive());
  CHECK_THAT(told, ContainsSubstring("/dev/sr0"));
  CHECK_THAT(told, ContainsSubstring("sr_mod"));
}

TEST_CASE("a drive that the guest's kernel finds late is waited for") {
  Guest guest;
  guest.drive_at = 3;
  REQUIRE(guest.power_on());
  CHECK(guest.boot.prove_drive());
  CHECK(guest.asked_for_the_drive == 3);
}

TEST_CASE("a command that fails in the guest is told with its output, harmless to a terminal") {
  Guest guest;
  REQUIRE(guest.power_on());
  auto answer = guest.boot.ask("false", 1s);
  REQUIRE_FALSE(answer.has_value());
  CHECK_THAT(answer.error().text(), ContainsSubstring("ended with 1"));
  CHECK(answer.error().text().find('\x1b') == std::string::npos);
}
