// Load addresses: read strictly, given to gdb as lines that can be pasted.

#include "labctl/guest/debug.h"

#include "tests/catch.h"

using namespace labctl;

namespace {

const std::string told =
    "release=6.12.0-1-amd64\ntext=ffffffffa2a00000\n"
    "module=sensor file=/lib/modules/6.12.0-1-amd64/updates/sensor.ko .text=0xffffffffc0a01000 "
    ".data=0xffffffffc0a05000 .bss=0xffffffffc0a06000\n";

}  // namespace

TEST_CASE("gdb is told where the kernel and the module are") {
  const auto loaded = guest::read_loaded(told);
  REQUIRE(loaded.modules.size() == 1);
  const std::string lines = guest::gdb_lines(loaded, "/usr/lib/debug/boot/vmlinux-6.12.0-1-amd64", 1234);
  CHECK(
      lines ==
      "symbol-file -o 0x21a00000 /usr/lib/debug/boot/vmlinux-6.12.0-1-amd64\n"
      "# /lib/modules/6.12.0-1-amd64/updates/sensor.ko in the guest\n"
      "# make it of the module as it was built: objcopy --change-section-address '*=0' BUILT.ko sensor.ko\n"
      "add-symbol-file sensor.ko 0xffffffffc0a01000 -s .data 0xffffffffc0a05000 -s .bss 0xffffffffc0a06000\n"
      "target remote 127.0.0.1:1234\n");
}

TEST_CASE("what is missing is named: the package of the kernel's symbols, a module that is not loaded yet") {
  const auto loaded = guest::read_loaded("release=6.12.0-1-amd64\ntext=ffffffff81000000\n");
  const std::string lines = guest::gdb_lines(loaded, "", 1);
  CHECK_THAT(lines, ContainsSubstring("apt-get install linux-image-6.12.0-1-amd64-dbg"));
  CHECK_THAT(lines, ContainsSubstring("symbol-file -o 0x0 "));
  CHECK_THAT(lines, ContainsSubstring("no module of the candidate's is loaded"));
  CHECK_THAT(guest::gdb_lines(guest::read_loaded(""), "", 1), ContainsSubstring("did not report"));
}

TEST_CASE("a guest cannot put lines of its own into a debugger") {
  for (const char* lie : {"module=a;shell file=x .text=0x1", "module=../x .text=0x1",
                          "module=x .text=nonsense", "module=x .text=0x0", "module= .text=0x1", "module=x"})
    CHECK(guest::read_loaded(lie).modules.empty());
  CHECK(guest::read_loaded("release=6.1 -ex shell\n").release.empty());
  CHECK(guest::read_loaded("text=0x12zz\n").text == 0);
  const auto odd = guest::read_loaded("module=x file=/a`b` .text=0x10 .we\"ird=0x20\n");
  REQUIRE(odd.modules.size() == 1);
  CHECK(odd.modules[0].file.empty());
  CHECK(odd.modules[0].sections.size() == 1);
}

TEST_CASE("a guest that tells of thousands of modules is not believed all of them") {
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "module=m" + std::to_string(i) + " .text=0x1000\n";
  CHECK(guest::read_loaded(many).modules.size() == 64);
}
