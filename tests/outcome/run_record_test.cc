#include "labctl/outcome/run_record.h"

#include "labctl/base/json.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

outcome::RunRecord whole() {
  plan::Cell cell;
  cell.id = "debian.candidate";
  cell.image = "debian";
  cell.driver = "candidate";
  cell.driver_path = "driver.deb";
  cell.guest.driver.modules = {"sensor"};
  cell.story = {{.kind = scenario::StepKind::install}, {.kind = scenario::StepKind::reboot}};
  outcome::RunRecord run{
      .tool = "labctl 1",
      .tool_sha256 = "aaaa",
      .rules = 2,
      .began = "2026-11-22T02:35:09Z",
      .scenario = {.file = "gate.yaml",
                   .path = "/srv/gate.yaml",
                   .text = "labctl: 1\n",
                   .set = {{"build", "7.16"}},
                   .only = "debian*"},
      .waivers = {"waivers.yaml", "labctl: 1\n"},
      .artifacts = {{"driver.deb", "d1", 6}, {"x.tar", "m1", 9, "a1"}},
      .images = {{.name = "debian",
                  .machine = "uefi",
                  .shape = "1x1024M-uefi",
                  .snapshot = true,
                  .sha256 = "i1",
                  .snapshot_sha256 = "s1",
                  .nvram_sha256 = "n1",
                  .facts = outcome::facts_from(
                      R"({"kernel_release":"6.12","sha256":"i1","odd":[1],"packages":{"sha256":"p"}})"),
                  .boot_time = Millis(17000)}},
      .host = {.hypervisor = "QEMU 7",
               .accel = "tcg",
               .accel_reason = "no KVM",
               .machine_type = "pc-7",
               .fingerprint = "f1",
               .cpu = "EPYC 9354"},
      .resumed = {"2026-11-22T02:40:00Z"},
      .ended = "2026-11-22T02:45:00Z",
      .interrupted = true,
      .faults = std::vector<std::string>{"the disk is full"}};
  run.plan.scenario = "gate";
  run.plan.cells = {cell};
  return run;
}

std::string refusal(const std::function<void(Json&)>& change) {
  auto json = parse_json(outcome::write_run_record(whole()), "run.json").value();
  change(json);
  const auto read = outcome::read_run_record(dump_line(json), "run.json");
  REQUIRE(!read);
  CHECK(read.error().fault == Fault::input);
  return read.error().what;
}

}  // namespace

TEST_CASE("a record that is read and written again is the same to the byte") {
  const std::string text = outcome::write_run_record(whole());
  const auto read = outcome::read_run_record(text, "run.json");
  REQUIRE(read);
  CHECK(outcome::write_run_record(*read) == text);
  CHECK(read->images.at(0).facts.kernel_release == "6.12");
  CHECK(read->images.at(0).facts.packages_sha256 == "p");
  CHECK(read->images.at(0).facts.sha256 == "i1");
  CHECK(read->image("debian", "uefi") == &read->images.at(0));
  CHECK(read->image("debian", "") == nullptr);
  CHECK(read->artifact("driver.deb")->sha256 == "d1");
  CHECK(read->artifact("other") == nullptr);
}

TEST_CASE("a run that has not ended says so by what its record lacks") {
  auto run = whole();
  run.ended.clear();
  run.faults.reset();
  const auto read = outcome::read_run_record(outcome::write_run_record(run), "run.json");
  REQUIRE(read);
  CHECK(read->ended.empty());
  CHECK_FALSE(read->interrupted);
  CHECK_FALSE(read->faults);
}

TEST_CASE("every member of a record has its type or the record is refused") {
  const std::pair<const char*, Json> rows[] = {
      {"/tool", 1},
      {"/tool_sha256", nullptr},
      {"/rules", "2"},
      {"/rules", 0},
      {"/rules", 2.5},
      {"/began", 17},
      {"/scenario", "gate.yaml"},
      {"/scenario/text", Json::array()},
      {"/scenario/set", {"a"}},
      {"/scenario/set/build", 7},
      {"/scenario/only", true},
      {"/waivers/text", 1},
      {"/artefacts", Json::object()},
      {"/artefacts/0", "driver.deb"},
      {"/artefacts/0/sha256", 1},
      {"/artefacts/0/size", -1},
      {"/artefacts/0/size", 18446744073709551615U},
      {"/images/0/snapshot_sha256", 1},
      {"/images/0/nvram_sha256", nullptr},
      {"/images/0/facts", "6.12"},
      {"/images/0/snapshot", "live"},
      {"/images/0/boot_time_ms", 1.5},
      {"/host", Json::array()},
      {"/host/accel", 1},
      {"/host/fingerprint", false},
      {"/host/cpu", false},
      {"/resumed", "yesterday"},
      {"/ended", 0},
      {"/interrupted", "no"},
      {"/faults", "none"},
      {"/faults/0", 1},
  };
  for (const auto& [member, value] : rows) {
    INFO(member);
    CHECK_THAT(refusal([&](Json& json) { json[Json::json_pointer(member)] = value; }),
               ContainsSubstring("the record of the run is damaged"));
  }
}

TEST_CASE("a member that is missing or that nobody knows is a damaged record") {
  for (const char* member : {"tool", "began", "scenario", "artefacts", "images", "host"}) {
    INFO(member);
    CHECK_THAT(refusal([&](Json& json) { json.erase(member); }),
               ContainsSubstring(std::string("'") + member + "' is missing"));
  }
  CHECK_THAT(refusal([](Json& json) { json["verdict"] = "passed"; }),
             ContainsSubstring("'verdict' is not known"));
  CHECK_THAT(refusal([](Json& json) { json["artefacts"][0]["damage"] = "zero"; }),
             ContainsSubstring("run.artefacts[0]: 'damage' is not known"));
}

TEST_CASE("a record of another version names the labctl that made it") {
  CHECK_THAT(refusal([](Json& json) { json["labctl"] = 2; }),
             ContainsSubstring("another version") && ContainsSubstring("'labctl 1'"));
  CHECK_THAT(refusal([](Json& json) { json["plan"].erase("cells"); }),
             ContainsSubstring("an older version") && ContainsSubstring("'cells' is missing"));
}
