#include <fcntl.h>
#include <sys/stat.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/image/image.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"

using namespace labctl;
using namespace labctl::image;

TEST_CASE("a payload CD holds the files under the given names, and equal files give equal bytes") {
  if (find_program("xorriso").empty()) return;
  Scratch scratch;
  scratch.put("a=b 'c'", "driver", 0600);
  scratch.put("content", std::string(3'000'000, 'x'));
  const std::vector<PayloadFile> files = {{"sensor_7.16=1_amd64.deb", scratch.path / "a=b 'c'"},
                                          {"-content.bin", scratch.path / "content"}};
  REQUIRE(make_payload_cd(scratch.path / "1.iso", files));
  // Later, from another place, with other dates and modes: the same CD.
  scratch.put("elsewhere/a=b 'c'", "driver", 0755);
  scratch.put("elsewhere/content", std::string(3'000'000, 'x'), 0400);
  struct timespec old[2] = {{1000, 0}, {2000, 0}};
  ::utimensat(AT_FDCWD, (scratch.path / "elsewhere/content").c_str(), old, 0);
  REQUIRE(make_payload_cd(scratch.path / "2.iso",
                          {{"-content.bin", scratch.path / "elsewhere/content"},
                           {"sensor_7.16=1_amd64.deb", scratch.path / "elsewhere/a=b 'c'"}}));
  CHECK(sha256_file(scratch.path / "1.iso").value() == sha256_file(scratch.path / "2.iso").value());

  auto listing = run_ok(
      {.argv = {"xorriso", "-no_rc", "-indev", (scratch.path / "1.iso").string(), "-pvd_info", "-lsl", "/"}});
  REQUIRE(listing.has_value());
  CHECK_THAT(*listing, ContainsSubstring("'sensor_7.16=1_amd64.deb'"));
  CHECK_THAT(*listing, ContainsSubstring("'-content.bin'"));
  CHECK_THAT(*listing, ContainsSubstring("LABCTL"));

  auto extracted =
      run_ok({.argv = {"xorriso", "-no_rc", "-osirrox", "on", "-indev", (scratch.path / "1.iso").string(),
                       "-extract", "/-content.bin", (scratch.path / "out").string()}});
  REQUIRE(extracted.has_value());
  CHECK(sha256_file(scratch.path / "out").value() == sha256_file(scratch.path / "content").value());
  struct stat facts {};
  REQUIRE(::stat((scratch.path / "1.iso").c_str(), &facts) == 0);
  CHECK((facts.st_mode & 0777) == 0444);
}

TEST_CASE("a payload CD refuses names and files that cannot be delivered") {
  Scratch scratch;
  scratch.put("file", "x");
  const auto iso = scratch.path / "x.iso";
  for (const char* name : {"", "a/b", ".", ".."}) {
    auto made = make_payload_cd(iso, {{name, scratch.path / "file"}});
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().fault == Fault::input);
  }
  CHECK_FALSE(make_payload_cd(iso, {{"a", scratch.path / "nothing"}}));
  CHECK_FALSE(make_payload_cd(iso, {{"a", scratch.path}}));
  CHECK_FALSE(make_payload_cd(iso, {{"a", scratch.path / "file"}, {"a", scratch.path / "file"}}));
  CHECK_FALSE(fs::exists(iso));
}
