// What a run takes from outside.
#include "labctl/lab/staged_artifacts.h"

#include <stdlib.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;

namespace {

// A folder with an image that is built, and with no room but `free` bytes.
struct Place {
  fs::path folder;
  plan::Plan plan;
  image::Store store;
  explicit Place(long long free)
      : folder(made()), store({source_tree::root() / "images"}, folder / "images") {
    plan::Cell cell;
    cell.id = "a";
    cell.image = "debian-12-linux-6.1";
    cell.driver_path = "driver.deb";
    cell.content_path = "content.bin";
    plan.cells = {cell};
    const auto recipe = store.recipe(cell.image);
    REQUIRE(recipe);
    REQUIRE(make_dirs(store.folder(*recipe)));
    const Json facts{
        {"key", recipe->key}, {"sha256", sha256("disk")}, {"disk_bytes", 4}, {"disk_size", 4 + free}};
    REQUIRE(write_file(store.folder(*recipe) / "disk.qcow2", "disk"));
    REQUIRE(write_file(store.folder(*recipe) / "facts.json", dump_pretty(facts)));
    REQUIRE(write_file(folder / "driver.deb", "driver"));
    REQUIRE(write_file(folder / "content.bin", "content"));
  }
  ~Place() { fs::remove_all(folder); }
  static fs::path made() {
    char name[] = "/tmp/labctl-supplies-XXXXXX";
    return ::mkdtemp(name);
  }
  std::string lacks() const {
    std::string all;
    for (const auto& check : lab::check_artifacts(plan, (folder / "gate.yaml").string(), store))
      if (check.health != host::Health::ok)
        all += std::string(check.health == host::Health::error ? "error " : "warning ") + check.name + ": " +
               check.detail + "\n";
    return all;
  }
};

}  // namespace

TEST_CASE("what a run would not find on this host is found before") {
  SECTION("nothing is wrong") { CHECK(Place(1000).lacks().empty()); }
  SECTION("an image that nobody knows") {
    Place place(1000);
    place.plan.cells[0].image = "debian-12-linux-6.111";
    CHECK_THAT(place.lacks(), Catch::StartsWith("error image debian-12-linux-6.111: "));
  }
  SECTION("an image that is not built") {
    Place place(1000);
    place.plan.cells[0].image = "debian-12-linux-6.12";
    CHECK_THAT(place.lacks(), ContainsSubstring("is not built"));
  }
  SECTION("artifacts that are missing, or empty") {
    Place place(1000);
    fs::remove(place.folder / "driver.deb");
    REQUIRE(write_file(place.folder / "content.bin", ""));
    CHECK_THAT(place.lacks(), ContainsSubstring("error artifact driver.deb: "));
    CHECK_THAT(place.lacks(), ContainsSubstring("does not exist"));
    CHECK_THAT(place.lacks(), ContainsSubstring("error artifact content.bin: "));
    CHECK_THAT(place.lacks(), ContainsSubstring("is empty"));
  }
  SECTION("an artifact that is too large for any guest") {
    Place place(1000);
    fs::resize_file(place.folder / "driver.deb", (2ull << 30) + 1);
    CHECK_THAT(place.lacks(), ContainsSubstring("larger than 2 GiB"));
  }
  SECTION("driver, content and its copy have just room, or just not") {
    const int bytes = 6 + 7 + 7;
    CHECK(Place(bytes).lacks().empty());
    CHECK_THAT(Place(bytes - 1).lacks(), Catch::StartsWith("error space in debian-12-linux-6.1: cell a"));
  }
  SECTION("the files of a folder have one copy: they come straight from the CD") {
    const auto with_folder = [](int free) {
      Place place(free);
      auto& cell = place.plan.cells[0];
      cell.guest.content = scenario::Content{.path = "/var/lib/x/"};
      cell.content_path = "set";
      fs::create_directories(place.folder / "set");
      REQUIRE(write_file(place.folder / "set" / "a", "content"));
      return place.lacks();
    };
    CHECK(with_folder(6 + 7).empty());
    CHECK_THAT(with_folder(6 + 7 - 1), Catch::StartsWith("error space in debian-12-linux-6.1: cell a"));
  }
  SECTION("the package of an update, which the control is given as well") {
    Place place(1000);
    const auto updated_by = [&](const std::string& name, const std::string& bytes) {
      place.plan.cells[0].story = {{.kind = scenario::StepKind::update, .text = name, .mark = {7, 3}}};
      if (!bytes.empty()) REQUIRE(write_file(place.folder / name, bytes));
      return place.lacks();
    };
    CHECK_THAT(updated_by("none.deb", ""), ContainsSubstring("7:3: the artifact does not exist"));
    CHECK_THAT(updated_by("x.deb", "no package"), ContainsSubstring("7:3: is not a Debian package"));
    CHECK_THAT(updated_by("y.deb", "!<arch>\n"), ContainsSubstring("is not a Debian package"));
    CHECK_THAT(updated_by("x.rpm", "!<arch>\ndebian-binary   "), ContainsSubstring("is not an rpm package"));
    CHECK(updated_by("z.deb", "!<arch>\ndebian-binary   ").empty());
    CHECK(updated_by("z.rpm", "\xed\xab\xee\xdb\x03").empty());
  }
  SECTION("the same bytes under two names") {
    Place place(1000);
    place.plan.cells[0].extra_drivers = {{.label = "previous", .path = "old.deb", .mark = {}}};
    REQUIRE(write_file(place.folder / "old.deb", "driver"));
    CHECK_THAT(place.lacks(),
               ContainsSubstring("warning artifact old.deb: has the same bytes as driver.deb"));
  }
}

TEST_CASE("a link is followed and named, and so is a driver that names no build") {
  char name[] = "/tmp/labctl-supplies-XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  REQUIRE(write_file(folder / "driver-1.2.deb", "driver"));
  REQUIRE(write_file(folder / "content.bin", "content"));
  fs::create_symlink("driver-1.2.deb", folder / "latest.deb");
  plan::Plan plan;
  plan::Cell cell;
  cell.id = "a";
  cell.driver_path = "latest.deb";
  cell.content_path = "content.bin";
  plan.cells = {cell};
  const image::Store store({source_tree::root() / "images"}, folder / "images");
  plan.cells[0].image = "debian-12-linux-6.1";
  const auto recipe = store.recipe(plan.cells[0].image);
  REQUIRE(recipe);
  REQUIRE(make_dirs(store.folder(*recipe)));
  const Json facts{{"key", recipe->key}, {"sha256", sha256("disk")}, {"disk_bytes", 4}};
  REQUIRE(write_file(store.folder(*recipe) / "disk.qcow2", "disk"));
  REQUIRE(write_file(store.folder(*recipe) / "facts.json", dump_pretty(facts)));
  const auto staged =
      lab::StagedArtifacts::gather(plan, (folder / "gate.yaml").string(), store, folder / "work");
  REQUIRE(staged);
  const auto all = staged->links();
  REQUIRE(all.size() == 1);
  CHECK_THAT(all[0], ContainsSubstring("latest.deb is a symbolic link: what is tested is " +
                                       fs::canonical(folder / "driver-1.2.deb").string()));

  // It is no package, and so names no build of its module.
  REQUIRE(staged->untied().size() == 1);
  CHECK_THAT(staged->untied()[0], ContainsSubstring("latest.deb cannot be tied to what a guest loads"));
  REQUIRE(staged->unproved().size() == 1);
  CHECK_THAT(staged->unproved()[0].text(), ContainsSubstring("the scenario names no module"));
  CHECK(staged->of(cell).builds == std::map<std::string, std::vector<std::string>>{{"driver.deb", {}}});
  plan.cells[0].guest.proof = {{.run = "sensorctl selftest"}};
  const auto proved =
      lab::StagedArtifacts::gather(plan, (folder / "gate.yaml").string(), store, folder / "work");
  REQUIRE(proved);
  CHECK(proved->unproved().empty());
  CHECK(proved->untied().size() == 1);
  fs::remove_all(folder);
}

TEST_CASE("each file of a driver is an artifact, and each of its modules and services is tied") {
  Place place(1000);
  auto& cell = place.plan.cells[0];
  cell.driver_with = {"lib.deb"};
  cell.guest.driver.modules = {"core", "net"};
  cell.guest.driver.services = {"sensord.service", "sensord.socket"};
  CHECK_THAT(place.lacks(), ContainsSubstring("error artifact lib.deb: "));
  REQUIRE(write_file(place.folder / "lib.deb", "library"));
  const auto staged = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(),
                                                   place.store, place.folder / "work");
  REQUIRE(staged);
  CHECK(staged->of(cell).files == std::map<std::string, std::string>{{"content.bin", sha256("content")},
                                                                     {"driver+1.deb", sha256("library")},
                                                                     {"driver.deb", sha256("driver")}});
  CHECK(staged->artifacts().size() == 3);
  std::vector<std::string> tied;
  for (const auto& [key, builds] : staged->of(cell).builds) tied.push_back(key);
  CHECK(tied == std::vector<std::string>{"driver.deb:core", "driver.deb:net", "driver.deb:sensord.service"});
  CHECK(staged->unproved().size() == 1);
}

TEST_CASE("content that is a folder is its manifest, each of its files, and a tar that nobody records") {
  Place place(1000);
  auto& cell = place.plan.cells[0];
  cell.content_path = "channels";
  CHECK_THAT(place.lacks(), ContainsSubstring("does not exist"));
  fs::create_directories(place.folder / "channels" / "sub");
  CHECK_THAT(place.lacks(), ContainsSubstring("is a folder"));
  cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
  CHECK_THAT(place.lacks(), ContainsSubstring("folder is empty"));
  REQUIRE(write_file(place.folder / "channels" / "b", "bb"));
  REQUIRE(write_file(place.folder / "channels" / "sub" / "a", ""));
  CHECK(place.lacks().empty());
  const auto staged = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(),
                                                   place.store, place.folder / "work");
  REQUIRE(staged);
  const std::string manifest = sha256("bb") + "  b\n" + sha256("") + "  sub/a\n";
  const auto& files = staged->of(cell).files;
  CHECK(files.at("content.manifest") == sha256(manifest));
  CHECK(files.count("content.manifest.tar") == 1);
  std::map<std::string, std::string> recorded;
  for (const auto& artifact : staged->artifacts()) recorded[artifact.path] = artifact.sha256;
  CHECK(recorded == std::map<std::string, std::string>{{"channels", sha256(manifest)},
                                                       {"channels/b", sha256("bb")},
                                                       {"channels/sub/a", sha256("")},
                                                       {"driver.deb", sha256("driver")}});
  CHECK(staged->changed().empty());

  // On another host, which has nothing but what was kept.
  const bundle::ArtifactStore kept(place.folder / "kept");
  const auto sources = staged->keep_sources(kept, place.folder / "work");
  REQUIRE(sources);
  lab::StagedArtifacts::Sources found;
  for (const auto& artifact : *sources) found[artifact.path] = kept.find(artifact.source_sha256).value();
  const auto shard = lab::StagedArtifacts::gather(place.plan, "elsewhere/gate.yaml", place.store,
                                                  place.folder / "shard", found);
  REQUIRE(shard);
  CHECK(shard->of(cell).files == files);
  CHECK(shard->changed().empty());

  REQUIRE(write_file(place.folder / "channels" / "c", "later"));
  REQUIRE(staged->changed().size() == 1);
  CHECK_THAT(staged->changed()[0], ContainsSubstring("channels was modified"));
}

// What another host stages of what was kept here.
tl::expected<lab::StagedArtifacts, std::vector<Error>> elsewhere(const Place& place,
                                                                 const lab::StagedArtifacts& staged) {
  const bundle::ArtifactStore kept(place.folder / "kept");
  const auto sources = staged.keep_sources(kept, place.folder / "work");
  REQUIRE(sources);
  lab::StagedArtifacts::Sources found;
  for (const auto& artifact : *sources) found[artifact.path] = kept.find(artifact.source_sha256).value();
  return lab::StagedArtifacts::gather(place.plan, "elsewhere/gate.yaml", place.store, place.folder / "shard",
                                      found);
}

TEST_CASE("of a set one file is damaged, and it is named") {
  for (const bool archive : {false, true}) {
    Place place(1000);
    auto& cell = place.plan.cells[0];
    const std::string set = archive ? "channels.tar.gz" : "channels";
    fs::create_directories(place.folder / "channels" / "sub");
    REQUIRE(write_file(place.folder / "channels" / "b", "bb"));
    REQUIRE(write_file(place.folder / "channels" / "sub" / "a", "aaaa"));
    if (archive)
      REQUIRE(run_ok({.argv = {"tar", "-C", (place.folder / "channels").string(), "-czf",
                               (place.folder / set).string(), "."}}));
    cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
    cell.content_damage = scenario::Damage::truncated;
    cell.content_damaged_file = "sub/x";
    cell.content_path = scenario::damaged_name(set, cell.content_damage, cell.content_damaged_file);
    CHECK_THAT(place.lacks(), ContainsSubstring("no file 'sub/x' that could be damaged"));
    cell.content_damaged_file = "sub/a";
    cell.content_path = scenario::damaged_name(set, cell.content_damage, cell.content_damaged_file);
    CHECK(cell.content_path == set + " (sub/a truncated)");
    CHECK(place.lacks().empty());
    const auto staged = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(),
                                                     place.store, place.folder / "work");
    REQUIRE(staged);
    const std::string manifest = sha256("bb") + "  b\n" + sha256("aa") + "  sub/a\n";
    CHECK(staged->of(cell).files.at("content.manifest") == sha256(manifest));
    std::map<std::string, std::string> recorded;
    for (const auto& artifact : staged->artifacts()) recorded[artifact.path] = artifact.sha256;
    CHECK(recorded == std::map<std::string, std::string>{{cell.content_path, sha256(manifest)},
                                                         {cell.content_path + "/b", sha256("bb")},
                                                         {cell.content_path + "/sub/a", sha256("aa")},
                                                         {"driver.deb", sha256("driver")}});
    CHECK(staged->changed().empty());
    CHECK(read_file(place.folder / "channels" / "sub" / "a").value() == "aaaa");
    const auto shard = elsewhere(place, *staged);
    REQUIRE(shard);
    CHECK(shard->of(cell).files == staged->of(cell).files);
    CHECK(shard->artifacts() == staged->artifacts());
  }
}

TEST_CASE("an archive is staged as the folder that it holds, and recorded by its own digest besides") {
  Place place(1000);
  auto& cell = place.plan.cells[0];
  cell.guest.content = scenario::Content{"/var/lib/x/", "true"};
  fs::create_directories(place.folder / "channels" / "sub");
  REQUIRE(write_file(place.folder / "channels" / "b", "bb"));
  REQUIRE(write_file(place.folder / "channels" / "sub" / "a", ""));
  const auto stage = [&](const std::string& set) {
    cell.content_path = set;
    auto staged = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(), place.store,
                                               place.folder / "work");
    REQUIRE(staged);
    return *staged;
  };
  const auto pack = [&] {
    REQUIRE(run_ok({.argv = {"tar", "-C", (place.folder / "channels").string(), "-cJf",
                             (place.folder / "channels.tar.xz").string(), "sub", "b"}}));
  };
  pack();
  const auto folder = stage("channels").of(cell).files;
  const auto staged = stage("channels.tar.xz");
  CHECK(place.lacks().empty());
  const auto checks = lab::check_artifacts(place.plan, (place.folder / "gate.yaml").string(), place.store);
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].detail == "2 content files of channels.tar.xz, 2 B");
  CHECK(staged.of(cell).files == folder);
  const auto digest = sha256_file(place.folder / "channels.tar.xz").value();
  std::map<std::string, std::string> archives;
  for (const auto& artifact : staged.artifacts()) archives[artifact.path] = artifact.archive;
  CHECK(archives == std::map<std::string, std::string>{{"channels.tar.xz", digest},
                                                       {"channels.tar.xz/b", ""},
                                                       {"channels.tar.xz/sub/a", ""},
                                                       {"driver.deb", ""}});
  CHECK(staged.changed().empty());
  const auto shard = elsewhere(place, staged);
  REQUIRE(shard);
  CHECK(shard->of(cell).files == folder);
  CHECK(shard->artifacts() == staged.artifacts());

  REQUIRE(write_file(place.folder / "channels.tar.xz", "no archive"));
  REQUIRE(staged.changed().size() == 1);
  CHECK_THAT(staged.changed()[0], ContainsSubstring("channels.tar.xz was modified"));
  CHECK_THAT(place.lacks(), ContainsSubstring("the archive channels.tar.xz cannot be read at its beginning"));
  fs::create_symlink("/etc/passwd", place.folder / "channels" / "link");
  REQUIRE(run_ok({.argv = {"tar", "-C", (place.folder / "channels").string(), "-cJf",
                           (place.folder / "channels.tar.xz").string(), "."}}));
  const auto refused = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(),
                                                    place.store, place.folder / "work");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error()[0].text(),
             ContainsSubstring("the archive channels.tar.xz holds a link: './link'"));
}

TEST_CASE("a driver that Secure Boot surely refuses is an error before anything boots") {
  Place place(1000);
  const std::string before = ::getenv("PATH");
  auto& cell = place.plan.cells[0];
  cell.guest.os = scenario::Os::windows;
  cell.guest.driver = {.kind = scenario::DriverKind::service, .modules = {"sensor"}};
  cell.content_path.clear();
  REQUIRE(write_file(place.folder / "driver.deb", "MZ a driver"));
  REQUIRE(write_file(place.folder / "osslsigncode", "#!/bin/sh\necho 'Subject: /CN=labctl test'\nexit 1\n"));
  fs::permissions(place.folder / "osslsigncode", fs::perms::owner_all);
  ::setenv("PATH", (place.folder.string() + ":" + before).c_str(), 1);
  for (const auto firmware : {Firmware::bios, Firmware::uefi_secure}) {
    cell.machine.firmware = firmware;
    const auto staged = lab::StagedArtifacts::gather(place.plan, (place.folder / "gate.yaml").string(),
                                                     place.store, place.folder / to_string(firmware));
    REQUIRE(staged);
    CHECK(staged->signatures() ==
          std::vector<std::string>{"the driver driver.deb: driver.deb is signed by 'labctl test'"});
    const auto refused = staged->refused();
    REQUIRE(refused.size() == (firmware == Firmware::uefi_secure ? 1 : 0));
    if (!refused.empty())
      CHECK(refused[0].what ==
            "no Windows with Secure Boot loads the driver driver.deb: driver.deb is signed by 'labctl test'");
  }
  ::setenv("PATH", before.c_str(), 1);
}

TEST_CASE(
    "a driver that is not there for a kernel is called with that kernel, and one for no image not at all") {
  Place place(1000);
  auto& cell = place.plan.cells[0];
  cell.driver_path = "out/6.1.0-56-amd64/x.ko";
  cell.kernel = "6.1.0-56-amd64";
  const auto checks = lab::check_artifacts(place.plan, (place.folder / "gate.yaml").string(), place.store);
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].fix ==
        "build it for the kernel 6.1.0-56-amd64; 'labctl image kernels' lists what to build for");
  cell.driver_path = "out/${kernel}/x.ko";
  cell.kernel.clear();
  CHECK(place.lacks() == "");
}
