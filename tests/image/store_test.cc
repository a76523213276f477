#include <thread>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/image/image.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"

using namespace labctl;
using namespace labctl::image;

namespace {

const std::string build_program = R"(#!/bin/sh
set -eu
echo "labctl: step of $LABCTL_KERNEL on $LABCTL_SUITE with $LABCTL_DISK_MIB"
echo built >>"$COUNT"
printf 'a disk' >disk.qcow2
printf 'a 1 amd64\nb 2 amd64\n' >packages
printf '{"kernel_release": "6.1.0-99-amd64", "kernel_package": "k", "kernel_version": "6.1.99-1"}' >guest.json
)";

struct Lab : Scratch {
  std::vector<std::string> said;
  Store store{{path / "images"}, path / "store"};

  Lab() {
    ::setenv("COUNT", (path / "count").c_str(), 1);
    put("images/base/image.yaml",
        "template: true\nos: linux\nsuite: s\nbuild: build\ndisk: 1GiB\nneeds: {sh: dash}\n");
    put("images/base/build", build_program, 0755);
    put("images/one/image.yaml", "extends: base\nsummary: first\nkernel: k\n");
  }

  Result<Image> build(const std::string& name = "one", std::stop_token stop = {}) {
    return store.build(
        name, [this](std::string_view line) { said.emplace_back(line); }, stop);
  }
  Image built() {
    auto image = build();
    INFO((image ? "" : image.error().text()));
    REQUIRE(image.has_value());
    return *image;
  }
  State state() { return store.state(store.recipe("one").value()); }
  long builds() {
    auto text = read_file(path / "count");
    return text ? std::count(text->begin(), text->end(), '\n') : 0;
  }
  std::vector<std::string> left() {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path / "store/one", ignored)) {
      const auto name = entry.path().filename().string();
      if (name != ".lock") names.push_back(name);
    }
    return names;
  }
};

bool as_root() { return ::geteuid() == 0; }

}  // namespace

TEST_CASE("an image is absent, then built, and building twice does nothing") {
  if (!as_root()) return;  // as an ordinary user a build asks the host for user namespaces
  Lab lab;
  CHECK(lab.state() == State::absent);
  auto missing = lab.store.find("one");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().hint == "labctl image build one");

  const Image image = lab.built();
  CHECK(lab.state() == State::built);
  CHECK(image.sha256 == sha256("a disk"));
  CHECK(image.facts.kernel_release == "6.1.0-99-amd64");
  CHECK(image.facts.kernel_version == "6.1.99-1");
  CHECK(number_at(document_of(image.facts).at("packages"), "count") == 2);
  CHECK(std::find(lab.said.begin(), lab.said.end(), "image one: step of k on s with 1024") != lab.said.end());
  CHECK(lab.store.snapshot_dir(image).parent_path() == image.folder);
  CHECK(lab.store.verify(image));

  CHECK(lab.built().sha256 == image.sha256);
  CHECK(lab.builds() == 1);
  CHECK(lab.store.find("one").has_value());
}

TEST_CASE("a changed recipe makes the image outdated, and the next build another one") {
  if (!as_root()) return;
  Lab lab;
  const Image before = lab.built();
  lab.put("images/base/overlay/x", "new");
  CHECK(lab.state() == State::outdated);
  auto found = lab.store.find("one");
  REQUIRE_FALSE(found.has_value());
  CHECK_THAT(found.error().text(), ContainsSubstring("older recipe"));
  const Image after = lab.built();
  CHECK(after.folder != before.folder);
  CHECK(lab.builds() == 2);
}

TEST_CASE("a disk that is not the one that was built is noticed") {
  if (!as_root()) return;
  Lab lab;
  const Image image = lab.built();
  SECTION("other bytes: verify") {
    lab.put("store/one/" + image.folder.filename().string() + "/disk.qcow2", "b disk");
    CHECK(lab.state() == State::built);
    auto whole = lab.store.verify(image);
    REQUIRE_FALSE(whole.has_value());
    CHECK_THAT(whole.error().hint, ContainsSubstring("labctl image rm one"));
    return;
  }
  SECTION("cut short") { lab.put("store/one/" + image.folder.filename().string() + "/disk.qcow2", "a"); }
  SECTION("gone") { fs::remove(image.disk); }
  SECTION("its facts are no JSON") {
    lab.put("store/one/" + image.folder.filename().string() + "/facts.json", "{");
  }
  SECTION("its facts are another image's") {
    lab.put("store/one/" + image.folder.filename().string() + "/facts.json",
            R"({"key": "x", "sha256": ")" + image.sha256 + "\"}");
  }
  CHECK(lab.state() == State::damaged);
  auto found = lab.store.find("one");
  REQUIRE_FALSE(found.has_value());
  CHECK_THAT(found.error().text(), ContainsSubstring("damaged"));
  CHECK(found.error().hint == "labctl image build one");
  CHECK(lab.built().sha256 == image.sha256);  // and the build mends it
}

TEST_CASE("a build that fails leaves its log and nothing that could be used") {
  if (!as_root()) return;
  Lab lab;
  std::string expected;
  SECTION("the program fails") {
    lab.put("images/base/build",
            "#!/bin/sh\nprintf half >disk.qcow2\necho 'write: No space left on device' >&2\nexit 7\n", 0755);
    expected = "labctl gc";
  }
  SECTION("the archive has dropped the kernel") {
    lab.put(
        "images/base/build",
        "#!/bin/sh\necho 'I: much'; echo 'E: Unable to locate package k'; echo 'E: setup failed'; exit 25\n",
        0755);
    expected = "cannot build the image 'one': Unable to locate package k: ";
  }
  SECTION("it makes no disk") {
    lab.put("images/base/build", "#!/bin/sh\n: >packages; echo '{\"kernel_release\": \"6\"}' >guest.json\n",
            0755);
    expected = "left no disk";
  }
  SECTION("it tells no facts") {
    lab.put("images/base/build", "#!/bin/sh\nprintf half >disk.qcow2\n", 0755);
    expected = "left no facts";
  }
  SECTION("it tells no kernel") {
    lab.put("images/base/build", "#!/bin/sh\nprintf half >disk.qcow2; : >packages; echo '{}' >guest.json\n",
            0755);
    expected = "no kernel_release";
  }
  auto image = lab.build();
  REQUIRE_FALSE(image.has_value());
  CHECK(image.error().fault == Fault::lab);
  CHECK_THAT(image.error().text(), ContainsSubstring(expected));
  CHECK_THAT(image.error().text(), ContainsSubstring("cannot build the image 'one'"));
  CHECK(lab.state() == State::absent);
  CHECK(lab.left() == std::vector<std::string>{"failed.log"});
}

TEST_CASE("what a build said on its way is not told again when it fails") {
  if (!as_root()) return;
  Lab lab;
  lab.put("images/base/build", "#!/bin/sh\necho 'labctl: half of it'; echo 'no more' >&2; exit 1\n", 0755);
  auto image = lab.build();
  REQUIRE_FALSE(image.has_value());
  CHECK(std::find(lab.said.begin(), lab.said.end(), "image one: half of it") != lab.said.end());
  CHECK_THAT(image.error().text(), ContainsSubstring("no more"));
  CHECK_THAT(image.error().text(), !ContainsSubstring("half of it"));
  CHECK_THAT(read_file(lab.path / "store/one/failed.log").value(), ContainsSubstring("half of it"));
}

TEST_CASE("the last screen of an installation that failed outlives its folder") {
  if (!as_root()) return;
  Lab lab;
  lab.put("images/base/build", "#!/bin/sh\nprintf picture >screen.png\necho stalled >&2\nexit 1\n", 0755);
  auto image = lab.build();
  REQUIRE_FALSE(image.has_value());
  CHECK_THAT(image.error().text(), ContainsSubstring("its last screen is "));
  CHECK_THAT(image.error().text(), ContainsSubstring("failed-screen.png"));
  auto left = lab.left();
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector<std::string>{"failed-screen.png", "failed.log"});
}

TEST_CASE("an interrupted build leaves nothing") {
  if (!as_root()) return;
  Lab lab;
  lab.put("images/base/build", "#!/bin/sh\nprintf half >disk.qcow2\nsleep 60\n", 0755);
  std::stop_source stop;
  std::jthread interrupt([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  auto image = lab.build("one", stop.get_token());
  REQUIRE_FALSE(image.has_value());
  CHECK(image.error().fault == Fault::interrupted);
  CHECK(lab.state() == State::absent);
}

TEST_CASE("what a killed build left is never an image, and can be collected") {
  Lab lab;
  const std::string key = lab.store.recipe("one").value().key.substr(0, 16);
  lab.put("store/one/" + key + "/disk.qcow2", "whole by its name, but without facts");
  lab.put("store/one/" + key + ".partial/disk.qcow2", "half");
  CHECK(lab.state() == State::absent);
  SECTION("not while its builder lives") {
    auto lock = Lock::try_take(lab.path / "store/one/.lock");
    REQUIRE(lock.has_value());
    CHECK(lab.store.collect().value() == 0);
    CHECK(lab.left().size() == 2);
    auto removed = lab.store.remove("one");
    REQUIRE_FALSE(removed.has_value());
    CHECK_THAT(removed.error().text(), ContainsSubstring("is being built"));
  }
  SECTION("afterwards") {
    CHECK(lab.store.collect().value() == 40);
    CHECK(lab.left().empty());
  }
  SECTION("or built over") {
    if (!as_root()) return;
    CHECK(lab.built().sha256 == sha256("a disk"));
    CHECK(lab.left() == std::vector<std::string>{key});
  }
}

TEST_CASE("two builds of one image at once make it once") {
  if (!as_root()) return;
  Lab lab;
  lab.put("images/base/build", build_program + "sleep 0.5\n", 0755);
  std::vector<Result<Image>> results(3, lab_error("not run"));
  {
    std::vector<std::jthread> threads;
    for (auto& result : results)
      threads.emplace_back([&lab, &result] { result = lab.store.build("one", [](std::string_view) {}, {}); });
  }
  for (const auto& result : results) CHECK(result.has_value());
  CHECK(lab.builds() == 1);
}

TEST_CASE("removing an image removes its snapshots, and a name that means nothing is a mistake") {
  if (!as_root()) return;
  Lab lab;
  const Image image = lab.built();
  lab.put("store/one/" + image.folder.filename().string() + "/snapshots/x/disk.qcow2", "state");
  REQUIRE(lab.store.remove("one"));
  CHECK(lab.state() == State::absent);
  CHECK_FALSE(fs::exists(lab.path / "store/one"));
  CHECK(lab.store.remove("one"));  // it is not there, as was asked for
  for (const char* name : {"onne", "", "..", "../store", "."}) {
    auto removed = lab.store.remove(name);
    REQUIRE_FALSE(removed.has_value());
    CHECK(removed.error().fault == Fault::input);
  }
  CHECK_THAT(lab.store.remove("onne").error().text(), ContainsSubstring("did you mean 'one'"));
}

TEST_CASE("removing an image leaves what is not of one where it is") {
  Lab lab;
  const std::string key = lab.store.recipe("one").value().key.substr(0, 16);
  lab.put("store/one/" + key + "/disk.qcow2", "x");
  lab.put("store/one/holiday/beach.jpg", "x");
  const auto removed = lab.store.remove("one");
  REQUIRE_FALSE(removed.has_value());
  CHECK_THAT(removed.error().text(), ContainsSubstring("holds what is not of an image"));
  CHECK(fs::exists(lab.path / "store/one/holiday/beach.jpg"));
  CHECK_FALSE(fs::exists(lab.path / "store/one" / key));
}

TEST_CASE("what the host lacks is said before a build starts, with the command that mends it") {
  Lab lab;
  lab.put("images/base/image.yaml",
          "template: true\nos: linux\nsuite: s\nbuild: build\ndisk: 1GiB\n"
          "needs: {no-such-program: some-package, sh: dash}\nneeds_files: {/no/such/file: other-package}\n");
  auto image = lab.build();
  REQUIRE_FALSE(image.has_value());
  CHECK(image.error().fault == Fault::lab);
  CHECK_THAT(image.error().text(), ContainsSubstring("lacks no-such-program, /no/such/file"));
  CHECK_THAT(image.error().hint,
             ContainsSubstring("apt-get install --no-install-recommends other-package some-package"));
  CHECK(lab.builds() == 0);
}

TEST_CASE("the first folder that has a recipe of a name wins, and a broken neighbour does not matter") {
  Lab lab;
  lab.put("more/one/image.yaml", "extends: base\nsummary: shadowed\nkernel: k\n");
  lab.put("more/base/image.yaml", "template: true\nos: linux\nsuite: s\nbuild: build\ndisk: 1GiB\n");
  lab.put("more/base/build", "", 0755);
  lab.put("more/two/image.yaml", "extends: base\nsummary: second\nkernel: k\n");
  const Store store({lab.path / "images", lab.path / "more", lab.path / "nowhere"}, lab.path / "store");
  auto all = store.recipes();
  REQUIRE(all.has_value());
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).summary == "first");
  CHECK(all->at(1).name == "two");

  lab.put("more/broken/image.yaml", "nonsense: [\n");
  CHECK_FALSE(store.recipes().has_value());
  CHECK(store.recipe("two").has_value());
  auto unknown = store.recipe("twoo");
  REQUIRE_FALSE(unknown.has_value());
  CHECK_THAT(unknown.error().text(), ContainsSubstring("did you mean 'two'"));
}
