// The page of a proof: what differs comes first, what was not tried is named, and a guest's words stay words.

#include "labctl/report/windows_proof.h"

#include "tests/catch.h"

using namespace labctl;
using outcome::Claim;
using outcome::Ending;

namespace {

outcome::WindowsProof proof() {
  using event::Channel;
  return {.image = "windows-11",
          .sha256 = std::string(64, 'a'),
          .made = "2026-11-22T08:15:30Z",
          .tool = "labctl 1",
          .hypervisor = "QEMU",
          .accel = "kvm",
          .build = "26100.1",
          .canary = {.image = "windows-11",
                     .deaths = {{.crash = "nmi",
                                 .due = {Channel::console, Channel::panic_device},
                                 .spoke = {Channel::console, Channel::panic_device},
                                 .title = "NMI_HARDWARE_FAILURE (0x80)"}}},
          .claims =
              {{.state = Claim::State::proved, .what = "an NMI stops Windows", .assumed = "1", .seen = "1"}},
          .drivers = {{.way = "service", .file = "sensor.sys", .outcomes = {{.ending = Ending::passed}}},
                      {.way = "msi"}}};
}

}  // namespace

TEST_CASE("a proof holds where nothing that was seen differs") {
  auto told = proof();
  CHECK(told.as_assumed());
  CHECK_THAT(report::windows_proof(told), ContainsSubstring("not tried: no file was given for it"));
  CHECK_THAT(report::windows_proof(told), !ContainsSubstring("Different from what labctl assumed"));
  told.claims[0].state = Claim::State::not_seen;
  CHECK(told.as_assumed());
  told.claims[0].state = Claim::State::differs;
  CHECK_FALSE(told.as_assumed());
  CHECK_THAT(report::windows_proof(told), ContainsSubstring("Different from what labctl assumed"));
  CHECK_THAT(report::windows_proof_summary(told), ContainsSubstring("differs: an NMI stops Windows"));
}

TEST_CASE("a driver that ends otherwise, or not at all, differs") {
  for (const bool crash : {true, false})
    for (const Ending ending : {Ending::crashed, Ending::passed, Ending::lab_failed}) {
      auto told = proof();
      told.drivers[0].should_crash = crash;
      told.drivers[0].outcomes[0].ending = ending;
      CHECK(told.as_assumed() == (ending == (crash ? Ending::crashed : Ending::passed)));
    }
  auto told = proof();
  told.drivers[0].outcomes.clear();
  CHECK_FALSE(told.as_assumed());
  told = proof();
  told.drivers[0].problem = "the disk is full";
  CHECK_FALSE(told.as_assumed());
  CHECK_THAT(report::windows_proof_summary(told), ContainsSubstring("the disk is full"));
}

TEST_CASE("channels that are not proved differ") {
  auto told = proof();
  told.canary.deaths[0].spoke = {event::Channel::console};
  told.canary.deaths[0].reason = "silent: panic-device";
  CHECK_FALSE(told.as_assumed());
  CHECK_THAT(report::windows_proof(told), ContainsSubstring("| panic-device | `silent: panic-device` |"));
}

TEST_CASE("test equipment is called so on the page and in the last line") {
  auto told = proof();
  CHECK_THAT(report::windows_proof(told), !ContainsSubstring("test equipment"));
  told.stand_in = true;
  CHECK_THAT(report::windows_proof(told), ContainsSubstring("test equipment and no Windows"));
  CHECK_THAT(report::windows_proof_summary(told), ContainsSubstring("nothing is proved of a Windows"));
}

TEST_CASE("what a guest says stays in its cell of the table") {
  auto told = proof();
  told.claims[0].seen = "x` | [a](http://b) |\n# heading\x1b[2J";
  const auto page = report::windows_proof(told);
  CHECK_THAT(page, !ContainsSubstring("\n# heading"));
  CHECK_THAT(page, !ContainsSubstring("x` |"));
  CHECK_THAT(page, !ContainsSubstring("\x1b"));
}
