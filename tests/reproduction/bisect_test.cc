// A recorded cell run again with other bytes, and content taken apart by the scenario's commands.

#include "labctl/reproduction/bisect.h"

#include <unistd.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("labctl-bisect-" + std::to_string(::getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
    REQUIRE(write_file(path / "rules", "one\ntwo\n\nthree\n"));
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("records come from a command or from the scenario itself, each once") {
  Folder folder;
  const auto read = [&](scenario::Split split) {
    return reproduction::read_records(split, folder.path / "rules", folder.path);
  };
  CHECK(read({.records = "cat \"$LABCTL_CONTENT\""}).value() ==
        std::vector<std::string>{"one", "two", "three"});
  CHECK(read({.files = {"a", "b"}}).value() == std::vector<std::string>{"a", "b"});
  CHECK_THAT(read({.records = "true"}).error().what, ContainsSubstring("no record"));
  CHECK_THAT(read({.records = "echo a; echo a"}).error().what, ContainsSubstring("'a' twice"));
  CHECK_THAT(read({.records = "yes '' | head -n 100001 | cat -n"}).error().what,
             ContainsSubstring("more than"));
  const auto failed = read({.records = "echo no such format; exit 3"});
  CHECK(failed.error().fault == Fault::input);
  CHECK_THAT(failed.error().what, ContainsSubstring("bisect.records") && ContainsSubstring("no such format"));
}

TEST_CASE("a subset holds the records that are kept, and a command that makes none is told") {
  Folder folder;
  const fs::path content = folder.path / "rules";
  const auto make = [&](const std::string& command, std::vector<std::string> kept) {
    return reproduction::make_subset({.subset = command}, content, kept, folder.path, folder.path);
  };
  const std::string filter = "grep -xFf \"$LABCTL_KEEP\" \"$LABCTL_CONTENT\" > \"$LABCTL_SUBSET\"";
  const auto made = make(filter, {"one", "three"});
  REQUIRE(made);
  CHECK(read_file(*made).value() == "one\nthree\n");
  CHECK(make(filter, {"one", "three"}).value() == *made);
  CHECK(make(filter, {"two"}).value() != *made);
  CHECK_THAT(make("true", {"a"}).error().what, ContainsSubstring("made no $LABCTL_SUBSET"));
  CHECK(make("exit 1", {"b"}).error().fault == Fault::input);
}

TEST_CASE("a bundle that names its own scenario gives no commands to the host") {
  const fs::path root = fs::temp_directory_path() / ("labctl-commands-" + std::to_string(::getpid()));
  const fs::path bundle = root / "bundle", inside = bundle / "x.yaml", outside = root / "x.yaml";
  REQUIRE(make_dirs(bundle));
  REQUIRE(write_file(inside, "text"));
  REQUIRE(write_file(outside, "text"));
  const auto why = [&](const fs::path& path, const char* text) {
    return reproduction::why_no_commands({.path = path.string(), .text = text}, bundle);
  };
  CHECK(why(inside, "text") == "lies in the bundle itself");
  CHECK(why(root / "bundle/../bundle/x.yaml", "text") == "lies in the bundle itself");
  fs::create_symlink(inside, root / "link.yaml");
  CHECK(why(root / "link.yaml", "text") == "lies in the bundle itself");
  CHECK(why(root / "none.yaml", "text") == "is not on this host");
  CHECK(why(outside, "other") == "has another text than the run's");
  CHECK(why(outside, "text").empty());
  fs::remove_all(root);
}

TEST_CASE("values that a bundle recorded are seen in a trusted scenario's commands") {
  const std::string head =
      "labctl: 1\nname: x\ncandidate: {driver: {candidate: '${driver}'}, content: {candidate: c.bin}}\n"
      "matrix: {image: [debian-12-linux-6.1], driver: [candidate], content: [candidate]}\n"
      "guest: {linux: {driver: {kind: kmod, module: x}, content: {path: /c, unproved: x}}}\n";
  const auto holds = [&](const std::string& bisect) {
    const scenario::Variables variables{{"driver", "x.ko; true"}};
    const auto loaded = scenario::load(head + bisect, "x.yaml", variables);
    REQUIRE(loaded.scenario);
    REQUIRE(loaded.scenario->split);
    return reproduction::holds_recorded_values(head + bisect, variables, *loaded.scenario->split);
  };
  CHECK_FALSE(holds("bisect: {records: cat c.bin, subset: cp a b}\n"));
  CHECK_FALSE(holds("bisect: {records: 'echo $${driver}', subset: cp a b}\n"));
  CHECK(holds("bisect: {records: 'cat ${driver}', subset: cp a b}\n"));
  CHECK(holds("bisect: {records: cat c.bin, subset: 'cp a ${driver}'}\n"));
  CHECK(holds("bisect: {records: ['${driver}', b], subset: cp a b}\n"));
}
