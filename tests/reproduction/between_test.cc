// Two sets of files, and the sets between them.

#include "labctl/reproduction/between.h"

#include <stdlib.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

struct Sets {
  fs::path root, earlier, candidate, work;
  Sets() {
    char name[] = "/tmp/labctl-between-XXXXXX";
    root = ::mkdtemp(name);
    earlier = root / "earlier";
    candidate = root / "candidate";
    work = root / "work";
    for (const auto& folder : {earlier / "x", candidate / "x", work}) fs::create_directories(folder);
  }
  ~Sets() { fs::remove_all(root); }
  reproduction::Between compared() const {
    auto between = reproduction::compare_sets(earlier, candidate, work);
    REQUIRE(between);
    return *between;
  }
};

std::map<std::string, std::string> bytes_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      files[entry.path().lexically_relative(folder).string()] = read_file(entry.path()).value();
  return files;
}

using Bytes = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("what differs between two sets is named, and any of it can be taken") {
  const Sets sets;
  REQUIRE(write_file(sets.earlier / "same", "1"));
  REQUIRE(write_file(sets.candidate / "same", "1"));
  REQUIRE(write_file(sets.earlier / "x/changed", "old"));
  REQUIRE(write_file(sets.candidate / "x/changed", "new"));
  REQUIRE(write_file(sets.earlier / "gone", "g"));
  REQUIRE(write_file(sets.candidate / "added", "a"));
  const auto between = sets.compared();
  std::vector<std::string> found;
  for (const auto& one : between.differences)
    found.push_back(std::string(to_string(one.how)) + " " + one.name());
  REQUIRE(found == std::vector<std::string>{"added added", "removed gone", "changed x/changed"});
  const auto with = [&](std::vector<std::size_t> taken) {
    const auto set = reproduction::make_set(between, taken, sets.work);
    REQUIRE(set);
    REQUIRE(*set);
    return bytes_in(**set);
  };
  CHECK(with({}) == Bytes{{"same", "1"}, {"x/changed", "old"}, {"gone", "g"}});
  CHECK(with({2}) == Bytes{{"same", "1"}, {"x/changed", "new"}, {"gone", "g"}});
  CHECK(with({0, 1}) == Bytes{{"same", "1"}, {"x/changed", "old"}, {"added", "a"}});
  CHECK(with({0, 1, 2}) == bytes_in(sets.candidate));
  CHECK(with({2}) == with({2}));

  REQUIRE(write_file(sets.root / "subset", "half"));
  const auto part = reproduction::make_set(between, {2}, sets.work, {{"x/changed", sets.root / "subset"}});
  REQUIRE(part);
  CHECK(bytes_in(part->value()) == Bytes{{"same", "1"}, {"x/changed", "half"}, {"gone", "g"}});
  CHECK(bytes_in(sets.candidate).at("x/changed") == "new");
}

TEST_CASE("the same size is not the same file, and equal sets do not differ") {
  const Sets sets;
  REQUIRE(write_file(sets.earlier / "a", "12"));
  REQUIRE(write_file(sets.candidate / "a", "13"));
  CHECK(sets.compared().differences.size() == 1);
  REQUIRE(write_file(sets.candidate / "a", "12"));
  CHECK(sets.compared().differences.empty());
}

TEST_CASE("what is no content is not made: no file at all, or one where another has its folder") {
  const Sets sets;
  SECTION("a file instead of another") {
    REQUIRE(write_file(sets.earlier / "a", "1"));
    REQUIRE(write_file(sets.candidate / "b", "2"));
    const auto between = sets.compared();
    CHECK_FALSE(reproduction::make_set(between, {0}, sets.work).value().has_value());
    CHECK(reproduction::make_set(between, {1}, sets.work).value().has_value());
  }
  SECTION("a folder instead of a file") {
    REQUIRE(write_file(sets.earlier / "x/y", "1"));
    fs::remove_all(sets.candidate / "x");
    REQUIRE(write_file(sets.candidate / "x", "2"));
    const auto between = sets.compared();
    REQUIRE(between.differences.size() == 2);
    CHECK_FALSE(reproduction::make_set(between, {0}, sets.work).value().has_value());
    CHECK(reproduction::make_set(between, {0, 1}, sets.work).value().has_value());
  }
  SECTION("an earlier one that is not there") {
    fs::remove_all(sets.earlier);
    REQUIRE(write_file(sets.candidate / "b", "2"));
    CHECK_FALSE(reproduction::compare_sets(sets.earlier, sets.candidate, sets.work));
  }
}
