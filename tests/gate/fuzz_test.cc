// What `labctl fuzz` writes down: a scenario for a crash, and a folder that goes on after anything.

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "labctl/base/json.h"
#include "labctl/gate/fuzz_folder.h"
#include "labctl/gate/fuzz_scenario.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

constexpr Date today{std::chrono::year(2026), std::chrono::month(1), std::chrono::day(2)};

plan::Cell cell_of(const std::string& text) {
  auto loaded = scenario::load(text, "x.yaml", {});
  for (const auto& mistake : loaded.mistakes) UNSCOPED_INFO(mistake.text());
  REQUIRE(loaded.scenario);
  auto plan = plan::expand(*loaded.scenario, today);
  REQUIRE(plan);
  return plan->cells.front();
}

// The guest's part as run.json would have it.
std::string guest_of(const plan::Cell& cell) {
  plan::Plan plan;
  plan.cells = {cell};
  plan.cells.front().story.clear();
  return plan::to_json(plan)["cells"][0]["guest"].dump();
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-hunt-" + std::to_string(::getpid()));
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

const std::string digest(64, 'a');
const gate::HuntFacts facts{.cell = "box.candidate", .image = "i", .driver = "d", .content = "c", .seed = 7};

}  // namespace

TEST_CASE("the scenario of a crash has the guest and the machine of the hunted one") {
  const std::string head =
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: d.deb}, content: {candidate: c.bin}}\n"
      "matrix: {image: [debian-12-linux-6.1]}\n";
  for (const std::string guest :
       {"driver: {kind: deb, module: sensor, service: [sensor.service, other.timer], within: 20m}\n"
        "    content: {path: /c, apply: {run: 'echo \"$${HOME}\" \\ $x', within: 90s}}\n"
        "    exercise: [{run: use it, within: 3s}, 'a: b']\n"
        "    proof: [{run: 'show ${content.sha256}', prints: '${content.sha256} $${y}', exit: 3, within: "
        "5s}]\n",
        "driver: {kind: kmod, module: x, options: [a=1, b=2], loads: at-boot}\n"
        "    content: {path: /c, unproved: 'because'}\n",
        "driver: {kind: script, module: x, install: 'sh $LABCTL_DRIVER', remove: 'true'}\n"
        "    content: {path: /c, apply: 'true'}\n    proof: [{run: show it}]\n"}) {
    CAPTURE(guest);
    const bool later = guest.find("at-boot") != std::string::npos;
    const bool exercised = guest.find("exercise") != std::string::npos;
    std::string text = head;
    text +=
        "machine: {vcpus: 2, memory: 768MiB, firmware: uefi, disk: nvme, network: isolated, cpu: qemu64, "
        "kernel: strict, disk_size: 8GiB}\n";
    text += "settle: 7s\nguest:\n  linux:\n    ";
    text += guest;
    text += later ? "story: [install driver, reboot, apply content, reboot]\n" : "";
    const auto hunted = cell_of(text);
    for (const bool at_boot : {false, true}) {
      const std::vector<std::string> driver = guest.find("kind: deb") != std::string::npos
                                                  ? std::vector<std::string>{"/d.deb", "/lib.deb"}
                                                  : std::vector<std::string>{"/d.deb"};
      const auto found = cell_of(gate::scenario_text(hunted, driver,
                                                     {.title = "BUG: \n x",
                                                      .file = "minimal.bin",
                                                      .good = "known.bin",
                                                      .by_apply = !at_boot,
                                                      .at_boot = at_boot}));
      CHECK(guest_of(found) == guest_of(hunted));
      CHECK(found.machine == hunted.machine);
      CHECK(found.settle == hunted.settle);
      CHECK(found.driver_path == "/d.deb");
      CHECK(found.driver_with == std::vector<std::string>(driver.begin() + 1, driver.end()));
      CHECK(found.content_path == "minimal.bin");
      CHECK(found.boots_wanted() == (later ? 2 : 1));
      const auto is = [](scenario::StepKind kind) {
        return [kind](const auto& step) { return step.kind == kind; };
      };
      CHECK(std::count_if(found.story.begin(), found.story.end(), is(scenario::StepKind::apply)) ==
            (at_boot ? 1 : 2));
      CHECK(std::any_of(found.story.begin(), found.story.end(), is(scenario::StepKind::exercise)) ==
            exercised);
    }
  }
}

TEST_CASE("a hunt's folder gives back what was put into it, and is of one hunt") {
  Folder folder;
  {
    auto open = gate::FuzzFolder::open(folder.path, facts);
    REQUIRE(open);
    CHECK_THAT(gate::FuzzFolder::open(folder.path, facts).error().what, ContainsSubstring("another hunt"));
    REQUIRE(open->keep(digest, "bytes"));
    REQUIRE(open->add({.number = 3,
                       .sha256 = digest,
                       .how = "bits: \n2",
                       .answer = "x",
                       .is_new = true,
                       .parent = 0,
                       .maker = 4}));
    gate::FuzzCrash crash{
        .title = "BUG: ../../x", .how = "bits", .excerpt = "Oops", .content_sha256 = digest};
    REQUIRE(open->add(crash, "content", "console"));
    CHECK(crash.folder.parent_path() == folder.path / "crashes");
    crash.confirmed = 2;
    REQUIRE(open->update(crash));
  }
  std::ofstream(folder.path / "tried.jsonl", std::ios::app) << "{\"n\": 4, \"sha";  // killed
  fs::create_directories(folder.path / "crashes/half");
  auto again = gate::FuzzFolder::open(folder.path, facts);
  REQUIRE(again);
  REQUIRE(again->tried().size() == 1);
  const auto& tried = again->tried().front();
  CHECK(std::tuple(tried.number, tried.how, tried.is_new, tried.parent, tried.maker) ==
        std::tuple(3LL, std::string("bits: \n2"), true, 0, 4));
  CHECK(again->kept(digest).value() == "bytes");
  REQUIRE(again->crashes().size() == 1);
  CHECK(again->crashes().front().confirmed == 2);
  CHECK(again->crashes().front().title == "BUG: ../../x");
}

TEST_CASE("a folder of another hunt, or of somebody else, is refused") {
  Folder folder;
  { REQUIRE(gate::FuzzFolder::open(folder.path, facts)); }
  auto other = facts;
  other.driver = "another";
  CHECK_THAT(gate::FuzzFolder::open(folder.path, other).error().what,
             ContainsSubstring("driver_sha256 differs"));
  CHECK(gate::FuzzFolder::open(folder.path, other).error().fault == Fault::input);
  fs::remove(folder.path / "hunt.json");
  CHECK_THAT(gate::FuzzFolder::open(folder.path, facts).error().what, ContainsSubstring("holds no hunt"));
}
