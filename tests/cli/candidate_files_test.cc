// What a folder is to those who verify.
#include "labctl/cli/candidate_files.h"

#include <stdlib.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("a folder is its files and its manifest") {
  char name[] = "/tmp/labctl-files-XXXXXX";
  const fs::path folder = ::mkdtemp(name);
  fs::create_directories(folder / "channels" / "sub");
  REQUIRE(write_file(folder / "driver.deb", "driver"));
  REQUIRE(write_file(folder / "channels" / "b", "bb"));
  REQUIRE(write_file(folder / "channels" / "sub" / "a", "aa"));
  const auto look = [&] {
    cli::CandidateFiles files;
    REQUIRE(files.open({(folder / "driver.deb").string(), (folder / "channels").string()}));
    REQUIRE(files.hash());
    CHECK(files.unchanged());
    std::vector<std::string> digests;
    for (const auto& file : files.digests) digests.push_back(file.sha256);
    return digests;
  };
  const std::string manifest = sha256("bb") + "  b\n" + sha256("aa") + "  sub/a\n";
  CHECK(look() == std::vector<std::string>{sha256("driver"), sha256("bb"), sha256("aa"), sha256(manifest)});
  REQUIRE(write_file(folder / "channels" / "c", "cc"));
  CHECK(look().size() == 5);
  CHECK(look().back() != sha256(manifest));
  fs::remove_all(folder / "channels" / "sub");
  fs::remove_all(folder / "channels" / "b");
  fs::remove_all(folder / "channels" / "c");
  cli::CandidateFiles none;
  CHECK_FALSE(none.open({(folder / "channels").string()}));
  fs::remove_all(folder);
}
