// The forms in which a kernel's log reaches people.
#include <functional>
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "tests/catch.h"

using namespace labctl::crash;

namespace {

using Dress = std::function<std::string(const std::string& text, int line)>;

const std::vector<std::string> oops{
    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "Oops: Oops: 0000 [#1] SMP PTI",
    "CPU: 1 UID: 0 PID: 77 Comm: insmod Tainted: G           OE       6.12.0 #1",
    "RIP: 0010:foo_go+0x10/0x20 [foo]",
    "Call Trace:",
    " <TASK>",
    " foo_init+0x10/0x20 [foo]",
    " do_one_initcall+0x58/0x240",
    " </TASK>",
    "---[ end trace 0000000000000000 ]---"};

std::string dressed(const Dress& dress) {
  std::string log;
  for (std::size_t i = 0; i < oops.size(); ++i) log += dress(oops[i], static_cast<int>(i)) + "\n";
  return log;
}

std::string six(int number) { return std::string("00000") + std::to_string(number); }

}  // namespace

TEST_CASE("a console's own forms are read line by line") {
  const std::vector<Dress> dresses{
      [](auto& text, int i) { return "[   12." + six(i) + "] " + text; },
      [](auto& text, int i) { return "[   12." + six(i) + "][   T77] " + text; },
      [](auto& text, int i) { return "[   12." + six(i) + "] [    T77] " + text; },
      [](auto& text, int i) { return "<4>[   12." + six(i) + "] [    T77] " + text; },
      [](auto& text, int i) { return "Jan  2 03:04:05 host kernel: [   12." + six(i) + "] " + text; },
      [](auto& text, int i) { return (i == 0 ? "host login: " : "") + text; },
      [](auto& text, int i) { return (i == 0 ? "[root@myhost ~]# " : "") + text; },
      [](auto& text, int i) { return (i == 0 ? "root@host:/tmp# " : "") + text; },
      [](auto& text, int i) { return (i == 0 ? "~ # " : "") + text; }};
  for (const Dress& dress : dresses) {
    const std::string log = dressed(dress);
    INFO(log);
    const auto found = scan(log);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == "BUG: kernel NULL pointer dereference in foo_go");
    CHECK(found[0].module == "foo");
    CHECK(found[0].confirmed);
  }
}

TEST_CASE("what another program says about a kernel is not the kernel's") {
  CHECK(scan(dressed([](auto& text, int) {
          return "Jan 02 03:04:05 host root[55]: kernel: " + text;
        })).empty());
  CHECK(scan(dressed([](auto& text, int) { return "# " + text; })).empty());
  CHECK(scan(dressed([](auto& text, int) { return "echo '" + text + "'"; })).empty());
}
