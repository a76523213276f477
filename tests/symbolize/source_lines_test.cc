// Places as lines of source: by a module made of this test's own C, when there is a compiler.

#include "labctl/symbolize/source_lines.h"

#include <unistd.h>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("a place in a module is a line of its source, and another build is told") {
  const fs::path folder = fs::temp_directory_path() / ("labctl-lines-" + std::to_string(::getpid()));
  REQUIRE(make_dirs(folder));
  REQUIRE(
      write_file(folder / "fall.c",
                 "int step(int *p)\n{\n\treturn *p;\n}\nint walk(int *p)\n{\n\treturn step(p) + 1;\n}\n"));
  const auto compile = [&](const char* flag, const char* object) {
    return run_ok({.argv = {"gcc-12", flag, "-O0", "-c", "fall.c", "-o", object}, .directory = folder});
  };
  REQUIRE(compile("-g", "my-fall.ko"));
  REQUIRE(compile("-g0", "bare.ko"));
  const auto lines = [&](std::vector<crash::ModuleFrame> frames, const char* file) {
    return symbolize::source_lines(frames, {folder / file});
  };
  const auto found =
      lines({{"step", 0x8, 0x20, "my_fall", true}, {"other", 1, 2, "other", false}}, "my-fall.ko");
  REQUIRE(found);
  REQUIRE(found->size() == 2);
  CHECK_THAT((*found)[0],
             ContainsSubstring("step+0x8/0x20 [my_fall]: step at ") && ContainsSubstring("fall.c:3"));
  CHECK((*found)[1] == "other+0x1/0x2 [other]");

  // The last function of a section has the rest of its page.
  CHECK_THAT(lines({{"walk", 0x4, 0xff0, "my_fall", true}}, "my-fall.ko").value().at(0),
             ContainsSubstring("fall.c:6"));
  CHECK_THAT(lines({{"step", 0x8, 0xff0, "my_fall", true}}, "my-fall.ko").error().what,
             ContainsSubstring("another build"));
  CHECK_THAT(lines({{"step", 0x8, 0x9, "my_fall", true}}, "my-fall.ko").error().what,
             ContainsSubstring("another build"));
  CHECK_THAT(lines({}, "bare.ko").error().what, ContainsSubstring("no debug information"));
  CHECK_THAT(lines({}, "fall.c").error().what, ContainsSubstring("is not a module"));
  CHECK_THAT(lines({}, "none.ko").error().what, ContainsSubstring("no such debug file"));
  fs::remove_all(folder);
}
