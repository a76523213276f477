// Images from one store to another, and what is refused on the way.
#include "labctl/image/transfer.h"

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"

using namespace labctl;
using namespace labctl::image;

namespace {

// The header of a qcow2 of version 3 and some content.
std::string make_disk(const std::string& content = "content") {
  std::string disk("QFI\xfb\0\0\0\3", 8);
  disk.resize(104, '\0');
  return disk + content;
}

struct Hosts : Scratch {
  Store store{{path / "images"}, path / "there"}, other{{path / "images"}, path / "here"};
  std::vector<std::string> said;

  Hosts() {
    put("images/one/image.yaml",
        "os: linux\nsummary: first\nsuite: s\nkernel: k\nbuild: build\ndisk: 1GiB\nneeds: {sh: dash}\n");
    put("images/one/build",
        "#!/bin/sh\nset -eu\ncp " + (path / "disk").string() +
            " disk.qcow2\nprintf 'a 1 amd64\\n' >packages\n"
            "printf '{\"kernel_release\": \"6.1\", \"kernel_package\": \"k\", "
            "\"kernel_version\": \"6.1\"}' >guest.json\n",
        0755);
    put("disk", make_disk());
  }
  Progress say() {
    return [this](std::string_view line) { said.emplace_back(line); };
  }
  Image built() {
    auto image = store.build("one", say(), {});
    INFO((image ? "" : image.error().text()));
    REQUIRE(image);
    return *image;
  }
  Result<Image> pull(const std::string& source, const std::string& sha256) {
    return other.adopt("one", sha256, [&](const fs::path& folder) {
      return fetch({"one", source, sha256}, folder, say(), {});
    });
  }
  bool is_absent() { return other.state(other.recipe("one").value()) == State::absent; }
};

}  // namespace

TEST_CASE("an image that was pushed can be pulled, and is the same") {
  for (const char* scheme : {"", "oci:"}) {
    INFO(scheme);
    Hosts hosts;
    const auto image = hosts.built();
    const std::string place = scheme + (hosts.path / "carried").string();
    for (int times = 0; times < 2; ++times) REQUIRE(push(image, place, hosts.say()));
    const auto pulled = hosts.pull(place, image.sha256);
    INFO((pulled ? "" : pulled.error().text()));
    REQUIRE(pulled);
    CHECK(pulled->sha256 == image.sha256);
    CHECK(pulled->facts.json == image.facts.json);
    CHECK(hosts.other.verify(*pulled));
    CHECK(hosts.other.find("one"));
    REQUIRE(hosts.pull("nowhere", image.sha256));  // it is here
    CHECK_THAT(hosts.pull(place, sha256("x")).error().what, ContainsSubstring("is here with another disk"));
  }
}

TEST_CASE("what is not the image that was asked for is refused, and nothing of it is found") {
  struct Row {
    std::function<void(const fs::path&)> change;
    const char* why;
  };
  const auto facts = [](const char* key, const std::string& value) {
    return [key, value](const fs::path& folder) {
      auto json = parse_json(read_file(folder / "image.json").value(), {}).value();
      json[key] = value;
      REQUIRE(write_file(folder / "image.json", dump_pretty(json)));
    };
  };
  const Row rows[] = {
      {[](const auto& folder) { REQUIRE(write_file(folder / "disk.qcow2", make_disk("another"))); },
       "its sha256 is"},
      {[](const auto& folder) { REQUIRE(write_file(folder / "disk.qcow2", "raw")); }, "is not a qcow2 disk"},
      {[](const auto& folder) {
         std::string disk = make_disk();
         disk[15] = 1;
         REQUIRE(write_file(folder / "disk.qcow2", disk));
       },
       "needs a backing file"},
      {[](const auto& folder) {
         std::string disk = make_disk();
         disk[79] = 4;
         REQUIRE(write_file(folder / "disk.qcow2", disk));
       },
       "keeps its data in another file"},
      {facts("sha256", sha256("x")), "its facts are of another disk"},
      {facts("key", sha256("x")), "it was built from another recipe"},
      {[](const auto& folder) { fs::remove(folder / "image.json"); }, "has no image one with the sha256"},
  };
  for (const auto& row : rows) {
    INFO(row.why);
    Hosts hosts;
    const auto image = hosts.built();
    REQUIRE(push(image, (hosts.path / "carried").string(), hosts.say()));
    row.change(hosts.path / "carried/one" / image.sha256);
    const auto pulled = hosts.pull((hosts.path / "carried").string(), image.sha256);
    REQUIRE(!pulled);
    CHECK_THAT(pulled.error().what, ContainsSubstring(row.why));
    CHECK(hosts.is_absent());
  }
}

TEST_CASE("an interrupted pull goes on where it ended") {
  Hosts hosts;
  const auto image = hosts.built();
  const std::string place = (hosts.path / "carried").string();
  REQUIRE(push(image, place, hosts.say()));
  const auto interrupted = hosts.other.adopt("one", image.sha256, [&](const fs::path& folder) -> Status {
    REQUIRE(write_file(folder / "disk.qcow2", make_disk().substr(0, 50)));
    return fail({Fault::interrupted, "interrupted", {}, {}});
  });
  REQUIRE(!interrupted);
  CHECK(hosts.is_absent());
  CHECK(hosts.pull(place, image.sha256));
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = copy_on(image.disk, hosts.path / "copy", hosts.say(), stop.get_token());
  REQUIRE(!stopped);
  CHECK(stopped.error().fault == Fault::interrupted);
}

TEST_CASE("a damaged disk is not pushed") {
  Hosts hosts;
  const auto image = hosts.built();
  fs::permissions(image.disk, fs::perms::owner_all);
  REQUIRE(write_file(image.disk, make_disk("Content")));
  CHECK_THAT(push(image, (hosts.path / "carried").string(), hosts.say()).error().what,
             ContainsSubstring("does not have the sha256"));
  CHECK_FALSE(fs::exists(hosts.path / "carried/one" / image.sha256));
}
