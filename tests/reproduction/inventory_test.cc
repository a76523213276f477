// A run's record against a host: for every thing that it stood on, the same, different or missing, and told.

#include "labctl/reproduction/inventory.h"
#include "labctl/base/json.h"

#include <unistd.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/bundle/file_set.h"
#include "labctl/plan/damage.h"
#include "tests/catch.h"
#include "tests/cell/story.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using reproduction::Standing;
using reproduction::Thing;

namespace {

// A run on an earlier day, its build folder, and this host.
struct Bench {
  fs::path path = fs::temp_directory_path() / ("labctl-inventory-" + std::to_string(::getpid()));
  bundle::RecordedRun run;
  test::FakeHost host;
  reproduction::Seek seek{
      .bundle = path / "bundle", .store = bundle::ArtifactStore(path / "store"), .given = {}};
  image::Store images{{path / "recipes"}, path / "images"};

  Bench() {
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
  ~Bench() { fs::remove_all(path); }

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
    "an artifact is found where the run took it from, in the bundle, in the store or where it is given") {
  Bench bench;
  const std::string digest = sha256("content");
  const fs::path recorded = bench.path / "gate/build/content.bin";
  const auto found = [&] { return bench.take().artifacts.at("build/content.bin").file; };
  CHECK(found() == recorded);

  fs::remove(recorded);
  CHECK(bench.item(Thing::artifact, "build/content.bin").standing == Standing::missing);
  SECTION("in the bundle") {
    bench.put("bundle/artefacts/" + digest, "content");
    CHECK(found() == bench.seek.bundle / "artefacts" / digest);
  }
  SECTION("in the store") {
    bench.put("elsewhere", "content");
    REQUIRE(bench.seek.store.keep(bench.path / "elsewhere", digest));
    CHECK(found() == bench.path / "store" / digest);
  }
  SECTION("given as a file of any name, or in a folder") {
    bench.put("mail/attached/x.bin", "content");
    bench.seek.given = {bench.path / "mail"};
    CHECK(found() == bench.path / "mail/attached/x.bin");
    bench.seek.given = {bench.path / "mail/attached/x.bin"};
    CHECK(found() == bench.path / "mail/attached/x.bin");
  }
  CHECK(bench.take().at_hand(bench.cell()).content_path == found());
}

TEST_CASE("artifacts are looked for where the scenario lay, wherever labctl is called from") {
  Bench bench;
  bench.run.record.scenario.file = "gate/release.yaml";
  bench.run.record.scenario.path = (bench.path / "gate/release.yaml").string();
  CHECK(bench.item(Thing::artifact, "build/content.bin").standing == Standing::same);
  CHECK(bench.take().artifacts.at("build/content.bin").file == bench.path / "gate/build/content.bin");
}

TEST_CASE("what has other bytes now is told with both digests, and taken only when the user names it") {
  Bench bench;
  bench.put("gate/build/content.bin", "rebuilt");
  auto item = bench.item(Thing::artifact, "build/content.bin");
  CHECK(item.standing == Standing::missing);
  CHECK_THAT(item.what, ContainsSubstring(sha256("content")) && ContainsSubstring(sha256("rebuilt")));
  CHECK_THAT(item.hint,
             ContainsSubstring("--artifact '" + (bench.path / "gate/build/content.bin").string()) &&
                 ContainsSubstring("--anyway"));
  CHECK(bench.take().artifacts.count("build/content.bin") == 0);
  CHECK_FALSE(bench.take().same());

  bench.seek.given = {bench.path / "gate/build"};
  item = bench.item(Thing::artifact, "build/content.bin");
  CHECK(item.standing == Standing::differs);
  CHECK_THAT(item.what, ContainsSubstring(sha256("content")) && ContainsSubstring(sha256("rebuilt")));
  CHECK(bench.take().artifacts.at("build/content.bin").file == bench.path / "gate/build/content.bin");
  bench.put("old/content.bin", "content");
  bench.seek.given = {bench.path / "old"};
  CHECK(bench.item(Thing::artifact, "build/content.bin").standing == Standing::same);
}

TEST_CASE("a bundle that names a file of this host does not get it into a guest") {
  Bench bench;
  bench.put("home/secret", "the host's");
  const std::string secret = (bench.path / "home/secret").string();
  for (const std::string& path : {secret, std::string("../home/secret")}) {
    INFO(path);
    bench.cell().content_path = path;
    bench.record(path, "content");
    const auto inventory = bench.take();
    CHECK(inventory.artifacts.count(path) == 0);
    CHECK_FALSE(inventory.missing().empty());
    CHECK(inventory.at_hand(bench.cell()).content_path == path);
  }
}

TEST_CASE("what is missing is an error that says where it was looked for") {
  Bench bench;
  fs::remove_all(bench.path / "gate");
  const auto missing = bench.take().missing();
  REQUIRE(missing.size() == 3);  // with the image, which was never built here
  CHECK_THAT(missing[0].what, ContainsSubstring("build/driver.deb") && ContainsSubstring("artifact store"));
  CHECK(missing[0].fault == Fault::input);
  CHECK_THAT(missing[2].hint, ContainsSubstring("bring images/debian "));
}

TEST_CASE("a file that is given and is not there is a mistake, not an artifact that is missing") {
  Bench bench;
  bench.seek.given = {bench.path / "no such"};
  const auto found = reproduction::find_artifacts(bench.run, bench.seek);
  REQUIRE_FALSE(found);
  CHECK(found.error().fault == Fault::input);
}

TEST_CASE("damaged content is made again from its origin, or taken as it was kept") {
  Bench bench;
  const std::string damaged = plan::damaged("content", scenario::Damage::truncated);
  const std::string name = scenario::damaged_name("build/content.bin", scenario::Damage::truncated);
  bench.cell().content_path = name;
  bench.cell().content_damage = scenario::Damage::truncated;
  bench.record(name, damaged);
  auto found = bench.take().artifacts.at(name);
  CHECK(found.damage == scenario::Damage::truncated);
  CHECK(found.file == bench.path / "gate/build/content.bin");
  const auto cell = bench.take().at_hand(bench.cell());
  CHECK(cell.content_path == scenario::damaged_name(found.file.string(), scenario::Damage::truncated));

  bench.put("kept", damaged);
  bench.put("gate/build/content.bin", "rebuilt");
  REQUIRE(bench.seek.store.keep(bench.path / "kept", sha256(damaged)));
  CHECK(bench.take().artifacts.at(name).damage == scenario::Damage::none);
  CHECK(bench.take().at_hand(bench.cell()).content_damage == scenario::Damage::none);
}

TEST_CASE("another architecture ends it; another hypervisor, no KVM and another labctl are told") {
  Bench bench;
  auto& then = bench.run.record.host;
  then.architecture = "aarch64";
  then.hypervisor = "QEMU 99\x1b[31m";
  then.accel = "kvm";
  bench.run.record.tool = "labctl 9";
  CHECK(bench.item(Thing::host, "architecture").standing == Standing::missing);
  CHECK_THAT(bench.item(Thing::host, "architecture").what, ContainsSubstring("aarch64"));
  CHECK_THAT(bench.item(Thing::host, "acceleration").what,
             ContainsSubstring("the run had kvm, this host has tcg"));
  CHECK_THAT(bench.item(Thing::host, "hypervisor").what, ContainsSubstring("QEMU 99\\x1b"));
  CHECK(bench.item(Thing::tool, "labctl").standing == Standing::differs);
  CHECK(bench.item(Thing::host, "machine type").standing == Standing::same);
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
  Bench bench;
  const auto& store = bench.seek.store;
  for (const std::string bytes : {"one", "two", "three"}) {
    bench.put("file-" + bytes, bytes);
    REQUIRE(store.keep(bench.path / ("file-" + bytes), sha256(bytes)));
    REQUIRE(store.keep(bench.path / ("file-" + bytes), sha256(bytes)));  // twice is once
  }
  const auto at = [&](const std::string& bytes) { return bench.path / "store" / sha256(bytes); };
  fs::last_write_time(at("one"), fs::file_time_type::clock::now() - std::chrono::hours(3));
  fs::last_write_time(at("two"), fs::file_time_type::clock::now() - std::chrono::hours(2));
  CHECK(store.collect({.bytes = 8}).value() == 3);
  CHECK_FALSE(store.find(sha256("one")));
  CHECK(store.find(sha256("two")));
  CHECK(store.collect({.age = std::chrono::hours(1)}).value() == 3);
  CHECK_FALSE(store.find(sha256("two")));
  CHECK(store.find(sha256("three")));

  fs::permissions(at("three"), fs::perms::owner_write, fs::perm_options::add);
  bench.put("store/" + sha256("three"), "damaged");
  CHECK_FALSE(store.find(sha256("three")));
  CHECK_FALSE(store.find("../../etc/passwd"));
  CHECK(bundle::ArtifactStore(bench.path / "none yet").collect().value() == 0);
}

TEST_CASE("content that is several files is found as it was, or put together of what is kept") {
  Bench bench;
  auto& cell = bench.cell();
  cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
  cell.content_path = "build/channels";
  bench.put("gate/build/channels/a", "first");
  bench.put("gate/build/channels/sub/b", "second");
  const std::string manifest = sha256("first") + "  a\n" + sha256("second") + "  sub/b\n";
  bench.record(cell.content_path, manifest);
  bench.seek.work = bench.path / "work";
  const auto item = [&] { return bench.item(Thing::artifact, cell.content_path); };
  CHECK(item().standing == Standing::same);
  CHECK(bench.take().at_hand(cell).content_path == (bench.path / "gate/build/channels").string());

  bench.put("gate/build/channels/a", "other");
  CHECK(item().standing == Standing::missing);
  CHECK_THAT(item().what, ContainsSubstring("its manifest"));
  const auto keep = [&](const std::string& bytes) {
    bench.put("kept", bytes);
    REQUIRE(bench.seek.store.keep(bench.path / "kept", sha256(bytes)));
    fs::remove(bench.path / "kept");
  };
  keep(manifest);
  keep("second");
  CHECK(item().standing == Standing::missing);
  CHECK_THAT(item().what, ContainsSubstring("its file 'a'"));
  SECTION("with a file that is given") {
    bench.put("mail/x", "first");
    bench.seek.given = {bench.path / "mail"};
  }
  SECTION("with one of the bundle") { bench.put("bundle/artefacts/" + sha256("first"), "first"); }
  CHECK(item().standing == Standing::same);
  const fs::path made = bench.take().at_hand(cell).content_path;
  CHECK(bundle::set_sha256({made}).value() == sha256(manifest));
  bench.seek.work.clear();  // to be packed
  const auto found = bench.take().artifacts.at(cell.content_path);
  CHECK(found.parts.size() == 3);
  CHECK(sha256_file(found.file).value() == sha256(manifest));
}

TEST_CASE("an archive is unpacked to be compared, with a damaged file as with none") {
  Bench bench;
  auto& cell = bench.cell();
  cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
  bench.put("in/a", "first");
  bench.put("in/b", "second");
  fs::create_directories(bench.path / "gate/build");
  REQUIRE(run_ok({.argv = {"tar", "-C", (bench.path / "in").string(), "-cf",
                           (bench.path / "gate/build/x.tar").string(), "a", "b"}}));
  bench.seek.work = bench.path / "work";
  cell.content_path = "build/x.tar";
  bench.record(cell.content_path, sha256("first") + "  a\n" + sha256("second") + "  b\n");
  CHECK(bench.item(Thing::artifact, cell.content_path).standing == Standing::same);
  CHECK(bench.take().at_hand(cell).content_path == (bench.path / "gate/build/x.tar").string());

  cell.content_damage = scenario::Damage::truncated;
  cell.content_damaged_file = "b";
  cell.content_path = "build/x.tar (b truncated)";
  bench.record(cell.content_path, sha256("first") + "  a\n" + sha256("sec") + "  b\n");
  CHECK(bench.item(Thing::artifact, cell.content_path).standing == Standing::same);
  const auto at_hand = bench.take().at_hand(cell);
  CHECK(at_hand.content_path == (bench.path / "gate/build/x.tar").string() + " (b truncated)");
  CHECK(at_hand.content_damaged_file == "b");
  REQUIRE(write_file(bench.path / "gate/build/x.tar", "gone"));
  CHECK(bench.item(Thing::artifact, cell.content_path).standing == Standing::missing);
}

TEST_CASE("a manifest of somebody else's leads nowhere out of the folder") {
  Bench bench;
  auto& cell = bench.cell();
  cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
  cell.content_path = "build/channels";
  const std::string manifest = sha256("first") + "  ../../escaped\n";
  bench.record(cell.content_path, manifest);
  bench.put("bundle/artefacts/" + sha256(manifest), manifest);
  bench.put("bundle/artefacts/" + sha256("first"), "first");
  bench.seek.work = bench.path / "deep/er/work";
  CHECK(bench.item(Thing::artifact, cell.content_path).standing == Standing::missing);
  for (const auto& entry : fs::recursive_directory_iterator(bench.path))
    CHECK(entry.path().filename() != "escaped");
}
