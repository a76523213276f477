// Places in a Windows driver: by a PDB that lld makes of this test's own C, by what the driver exports, and
// never by the PDB of another build.
#include "labctl/symbolize/windows_image.h"

#include <stdlib.h>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/symbolize/source_lines.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

const std::string source =
    "int g;\n"
    "__declspec(dllexport) __attribute__((noinline)) int sensor_match(const int *a, int n)\n"
    "{\n"
    "\treturn a[n] / g;\n"
    "}\n"
    "int DriverEntry(void *o, void *r) { (void)r; return sensor_match(o, g); }\n";

struct Built {
  explicit Built(const std::string& text = source) {
    char name[] = "/tmp/labctl-pdb-XXXXXX";
    folder = ::mkdtemp(name);
    build(text);
  }
  ~Built() { fs::remove_all(folder); }
  Built(const Built&) = delete;
  Built& operator=(const Built&) = delete;

  void build(const std::string& text, const std::string& debug = "/debug") const {
    REQUIRE(write_file(folder / "sensor.c", text));
    REQUIRE(run_ok(
        {.argv = {"clang-14", "--target=x86_64-pc-windows-msvc", "-O1", "-g", "-gcodeview", "-c", "sensor.c"},
         .directory = folder}));
    std::vector<std::string> link = {"lld-link",           "/subsystem:native", "/driver",
                                     "/entry:DriverEntry", "/out:sensor.sys",   "sensor.o"};
    if (!debug.empty()) link.push_back(debug);
    REQUIRE(run_ok({.argv = link, .directory = folder}));
  }
  // As a stop at this place of the driver says it.
  Result<std::string> at(std::uint64_t offset) const {
    auto lines = symbolize::source_lines({{"", offset, 0, "sensor.sys", true}}, {folder / "sensor.sys"});
    if (!lines) return fail(lines.error());
    return lines->at(0);
  }
  fs::path folder;
};

constexpr std::uint64_t text_section = 0x1000;  // where the first function begins

}  // namespace

TEST_CASE("a place in a Windows driver is a line of its source by the PDB beside it") {
  const Built built;
  const auto place = built.at(text_section + 2);
  REQUIRE(place);
  CHECK_THAT(*place,
             ContainsSubstring("sensor.sys+0x1002: sensor_match at ") && ContainsSubstring("sensor.c:4"));
}

TEST_CASE("the PDB of another build is refused beside the driver, and is not taken where the linker put it") {
  const Built built;
  const Built later("\n\n\n" + source);
  fs::copy_file(later.folder / "sensor.pdb", built.folder / "sensor.pdb",
                fs::copy_options::overwrite_existing);
  const auto refused = built.at(text_section);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().what, ContainsSubstring("is of another build than sensor.sys"));

  const Built
      moved;  // the driver elsewhere, with its own PDB, while a later build's lies where the linker wrote it
  const fs::path elsewhere = moved.folder / "elsewhere";
  REQUIRE(make_dirs(elsewhere));
  for (const char* file : {"sensor.sys", "sensor.pdb"}) fs::rename(moved.folder / file, elsewhere / file);
  moved.build("\n\n\n" + source);
  const auto image = symbolize::read_windows_image(elsewhere / "sensor.sys");
  REQUIRE(image);
  CHECK_THAT(symbolize::place_in(*image, text_section).value(), ContainsSubstring("sensor.c:4"));
  fs::remove(elsewhere / "sensor.pdb");
  const auto alone = symbolize::read_windows_image(elsewhere / "sensor.sys");
  REQUIRE(alone);
  CHECK(symbolize::place_in(*alone, text_section + 2).value() == "sensor_match+0x2, by its exports");
}

TEST_CASE("without a PDB a place is told by the driver's exports, and else as it is") {
  const Built built;
  built.build(source, "");
  fs::remove(built.folder / "sensor.pdb");
  CHECK(built.at(text_section + 2).value() == "sensor.sys+0x1002: sensor_match+0x2, by its exports");
  CHECK(built.at(2).value() == "sensor.sys+0x2");
  REQUIRE(write_file(built.folder / "sensor.sys", "MZ and nothing more"));
  const auto torn = built.at(text_section);
  if (torn) CHECK(*torn == "sensor.sys+0x1000");
}

TEST_CASE("without LLVM nobody knows") {
  const Built built;
  const std::string before = ::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto told = built.at(text_section);
  ::setenv("PATH", before.c_str(), 1);
  REQUIRE_FALSE(told);
  CHECK(told.error().hint == "apt-get install llvm");
}
