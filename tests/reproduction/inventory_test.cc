// A run's record against a host: for every thing that it stood on, the same, different or missing, and told.

#include "labctl/reproduction/inventory.h"
#include "labctl/base/json.h"

#include <unistd.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/plan/damage.h"
#include "tests/catch.h"
#include "tests/cell/story.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using reproduction::Standing;
using reproduction::Thing;

namespace {

// A run on an earlier day, its build folder, and this host.
struct Desk {
  fs::path path = fs::temp_directory_path() / ("labctl-inventory-" + std::to_string(::getpid()));
  bundle::RecordedRun run;
  test::FakeHost host;
  reproduction::Seek seek{
      .bundle = path / "bundle", .store = bundle::ArtefactStore(path / "store"), .given = {}};
  image::Store images{{path / "recipes"}, path / "images"};

  Desk() {
    fs::remove_all(path);
    put("bundle/cells/debian.candidate/machine.xml", "<fake/>");
    put("gate/build/driver.deb", "driver");
    put("gate/build/content.bin", "content");
    auto cell = story::candidate();
    cell.driver_path = "build/driver.deb";
    cell.content_path = "build/content.bin";
    run.record.plan.cells = {cell, story::control()};
    run.record.tool = "labctl 1";
    run.record.scenario.file = (path / "gate/release.yaml").string();
    run.record.images = {{.name = "debian", .sha256 = sha256("disk")}};
    run.record.host = {.hypervisor = "fake", .accel = "tcg"};
    record(cell.driver_path, "driver");
    record(cell.content_path, "content");
  }
  ~Desk() { fs::remove_all(path); }

  void put(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path / name).parent_path());
    REQUIRE(write_file(path / name, bytes));
  }
  void record(const std::string& name, const std::string& bytes) {
    run.record.artifacts.push_back({name, sha256(bytes), bytes.size()});
  }
  plan::Cell& cell() { return run.record.plan.cells[0]; }

  reproduction::Inventory take() {
    auto taken = reproduction::take_inventory(run, cell(), seek, images, host, "labctl 1", path);
    REQUIRE(taken);
    return *taken;
  }
  reproduction::Item item(Thing thing, const std::string& name) {
    for (auto& item : take().items)
      if (item.thing == thing && item.name == name) return item;
    FAIL("nothing is said of " << name);
    return {};
  }
};

}  // namespace

TEST_CASE(
    "an artefact is found where the run took it from, in the bundle, in the store or where it is given") {
  Desk desk;
  const std::string digest = sha256("content");
  const fs::path recorded = desk.path / "gate/build/content.bin";
  const auto found = [&] { return desk.take().artefacts.at("build/content.bin").file; };
  CHECK(found() == recorded);

  fs::remove(recorded);
  CHECK(desk.item(Thing::artefact, "build/content.bin").standing == Standing::missing);
  SECTION("in the bundle") {
    desk.put("bundle/artefacts/" + digest, "content");
    CHECK(found() == desk.seek.bundle / "artefacts" / digest);
  }
  SECTION("in the store") {
    desk.put("elsewhere", "content");
    REQUIRE(desk.seek.store.keep(desk.path / "elsewhere", digest));
    CHECK(found() == desk.path / "store" / digest);
  }
  SECTION("given as a file of any name, or in a folder") {
    desk.put("mail/attached/x.bin", "content");
    desk.seek.given = {desk.path / "mail"};
    CHECK(found() == desk.path / "mail/attached/x.bin");
    desk.seek.given = {desk.path / "mail/attached/x.bin"};
    CHECK(found() == desk.path / "mail/attached/x.bin");
  }
  CHECK(desk.take().at_hand(desk.cell()).content_path == found());
}

TEST_CASE("artefacts are looked for where the scenario lay, wherever labctl is called from") {
  Desk desk;
  desk.run.record.scenario.file = "gate/release.yaml";
  desk.run.record.scenario.path = (desk.path / "gate/release.yaml").string();
  CHECK(desk.item(Thing::artefact, "build/content.bin").standing == Standing::same);
  CHECK(desk.take().artefacts.at("build/content.bin").file == desk.path / "gate/build/content.bin");
}

TEST_CASE("what has other bytes now is told with both digests, and taken only when the user names it") {
  Desk desk;
  desk.put("gate/build/content.bin", "rebuilt");
  auto item = desk.item(Thing::artefact, "build/content.bin");
  CHECK(item.standing == Standing::missing);
  CHECK_THAT(item.what, ContainsSubstring(sha256("content")) && ContainsSubstring(sha256("rebuilt")));
  CHECK_THAT(item.hint, ContainsSubstring("--artifact '" + (desk.path / "gate/build/content.bin").string()) &&
                            ContainsSubstring("--anyway"));
  CHECK(desk.take().artefacts.count("build/content.bin") == 0);
  CHECK_FALSE(desk.take().same());

  desk.seek.given = {desk.path / "gate/build"};
  item = desk.item(Thing::artefact, "build/content.bin");
  CHECK(item.standing == Standing::differs);
  CHECK_THAT(item.what, ContainsSubstring(sha256("content")) && ContainsSubstring(sha256("rebuilt")));
  CHECK(desk.take().artefacts.at("build/content.bin").file == desk.path / "gate/build/content.bin");
  desk.put("old/content.bin", "content");
  desk.seek.given = {desk.path / "old"};
  CHECK(desk.item(Thing::artefact, "build/content.bin").standing == Standing::same);
}

TEST_CASE("a bundle that names a file of this host does not get it into a guest") {
  Desk desk;
  desk.put("home/secret", "the host's");
  const std::string secret = (desk.path / "home/secret").string();
  for (const std::string& path : {secret, std::string("../home/secret")}) {
    INFO(path);
    desk.cell().content_path = path;
    desk.record(path, "content");
    const auto inventory = desk.take();
    CHECK(inventory.artefacts.count(path) == 0);
    CHECK_FALSE(inventory.missing().empty());
    CHECK(inventory.at_hand(desk.cell()).content_path == path);
  }
}

TEST_CASE("what is missing is an error that says where it was looked for") {
  Desk desk;
  fs::remove_all(desk.path / "gate");
  const auto missing = desk.take().missing();
  REQUIRE(missing.size() == 3);  // with the image, which was never built here
  CHECK_THAT(missing[0].what, ContainsSubstring("build/driver.deb") && ContainsSubstring("artefact store"));
  CHECK(missing[0].fault == Fault::input);
  CHECK_THAT(missing[2].hint, ContainsSubstring("bring images/debian "));
}

TEST_CASE("a file that is given and is not there is a mistake, not an artefact that is missing") {
  Desk desk;
  desk.seek.given = {desk.path / "no such"};
  const auto found = reproduction::find_artefacts(desk.run, desk.seek);
  REQUIRE_FALSE(found);
  CHECK(found.error().fault == Fault::input);
}

TEST_CASE("damaged content is made again from its origin, or taken as it was kept") {
  Desk desk;
  const std::string damaged = plan::damaged("content", scenario::Damage::truncated);
  const std::string name = scenario::damaged_name("build/content.bin", scenario::Damage::truncated);
  desk.cell().content_path = name;
  desk.cell().content_damage = scenario::Damage::truncated;
  desk.record(name, damaged);
  auto found = desk.take().artefacts.at(name);
  CHECK(found.damage == scenario::Damage::truncated);
  CHECK(found.file == desk.path / "gate/build/content.bin");
  const auto cell = desk.take().at_hand(desk.cell());
  CHECK(cell.content_path == scenario::damaged_name(found.file.string(), scenario::Damage::truncated));

  desk.put("kept", damaged);
  desk.put("gate/build/content.bin", "rebuilt");
  REQUIRE(desk.seek.store.keep(desk.path / "kept", sha256(damaged)));
  CHECK(desk.take().artefacts.at(name).damage == scenario::Damage::none);
  CHECK(desk.take().at_hand(desk.cell()).content_damage == scenario::Damage::none);
}

TEST_CASE("another architecture ends it; another hypervisor, no KVM and another labctl are told") {
  Desk desk;
  auto& then = desk.run.record.host;
  then.architecture = "aarch64";
  then.hypervisor = "QEMU 99\x1b[31m";
  then.accel = "kvm";
  desk.run.record.tool = "labctl 9";
  CHECK(desk.item(Thing::host, "architecture").standing == Standing::missing);
  CHECK_THAT(desk.item(Thing::host, "architecture").what, ContainsSubstring("aarch64"));
  CHECK_THAT(desk.item(Thing::host, "acceleration").what,
             ContainsSubstring("the run had kvm, this host has tcg"));
  CHECK_THAT(desk.item(Thing::host, "hypervisor").what, ContainsSubstring("QEMU 99\\x1b"));
  CHECK(desk.item(Thing::tool, "labctl").standing == Standing::differs);
  CHECK(desk.item(Thing::host, "machine type").standing == Standing::same);
}

TEST_CASE("definitions differ by what a guest could tell, and not by names and paths") {
  const std::string then =
      "<domain>\n  <name>a</name>\n  <uuid>1</uuid>\n  <vcpu>1</vcpu>\n"
      "  <source file=\"/a/disk\" />\n  <nvram>/a/nvram</nvram>\n</domain>\n";
  std::string now = then;
  now.replace(now.find("/a/disk"), 7, "/elsewhere");
  now.replace(now.find("<name>a"), 7, "<name>b");
  CHECK(machine::definition_difference(then, now).empty());
  now.replace(now.find("<vcpu>1"), 7, "<vcpu>2");
  CHECK_THAT(machine::definition_difference(then, now),
             ContainsSubstring("<vcpu>1</vcpu>") && ContainsSubstring("<vcpu>2</vcpu>"));
}

TEST_CASE("the store gives back only what has its digest, and forgets the oldest first") {
  Desk desk;
  const auto& store = desk.seek.store;
  for (const std::string bytes : {"one", "two", "three"}) {
    desk.put("file-" + bytes, bytes);
    REQUIRE(store.keep(desk.path / ("file-" + bytes), sha256(bytes)));
    REQUIRE(store.keep(desk.path / ("file-" + bytes), sha256(bytes)));  // twice is once
  }
  const auto at = [&](const std::string& bytes) { return desk.path / "store" / sha256(bytes); };
  fs::last_write_time(at("one"), fs::file_time_type::clock::now() - std::chrono::hours(3));
  fs::last_write_time(at("two"), fs::file_time_type::clock::now() - std::chrono::hours(2));
  CHECK(store.collect({.bytes = 8}).value() == 3);
  CHECK_FALSE(store.find(sha256("one")));
  CHECK(store.find(sha256("two")));
  CHECK(store.collect({.age = std::chrono::hours(1)}).value() == 3);
  CHECK_FALSE(store.find(sha256("two")));
  CHECK(store.find(sha256("three")));

  fs::permissions(at("three"), fs::perms::owner_write, fs::perm_options::add);
  desk.put("store/" + sha256("three"), "damaged");
  CHECK_FALSE(store.find(sha256("three")));
  CHECK_FALSE(store.find("../../etc/passwd"));
  CHECK(bundle::ArtefactStore(desk.path / "none yet").collect().value() == 0);
}
