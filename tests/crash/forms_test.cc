// The forms in which a kernel's log reaches people.
#include <functional>
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/log.h"
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

std::vector<Finding> scan_log(const std::string& log) {
  LogScanner scanner;
  scanner.feed(log);
  return scanner.finish();
}

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

TEST_CASE("a log's form is recognised from several of its lines") {
  const std::vector<Dress> dresses{
      [](auto& text, int i) { return "kern  :warn  : [   12." + six(i) + "] [    T77] " + text; },
      [](auto& text, int) { return "[    T77] " + text; },
      [](auto& text, int i) { return "[    0." + six(i) + " ][    T0 ] " + text; },
      [](auto& text, int i) { return "[   12." + six(i) + "] (1)[77:insmod]" + text; },
      [](auto& text, int i) { return "[   12." + six(i) + "] myhost kernel: " + text; },
      [](auto& text, int i) { return "[  +0." + six(i) + "] " + text; },
      [](auto& text, int i) {
        return "4,10" + std::to_string(i) + ",1234500" + std::to_string(i) + ",-;" + text;
      },
      [](auto& text, int i) {
        return "6.12.0,4,10" + std::to_string(i) + ",1234500" + std::to_string(i) + ",-,caller=T77;" + text;
      },
      [](auto& text, int) { return "2026-01-02 03:04:05 " + text; },
      [](auto& text, int i) { return "2026-01-02T03:04:05." + six(i) + "Z stdout F " + text; },
      [](auto& text, int) { return "<4>1 2026-01-02T03:04:05.123Z host kernel - - - " + text; },
      [](auto& text, int) { return "1700000000.123456 host kernel: " + text; },
      [](auto& text, int) { return "vm-1  | " + text; },
      [](auto& text, int) { return "> " + text; },
      [](auto& text, int) { return "    " + text; },
      [](auto& text, int i) { return std::to_string(100 + i) + ":" + text; },
      [](auto& text, int) {
        return R"({"MESSAGE":")" + text + R"(","_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel"})";
      },
      [](auto& text, int) {
        return R"({"log":"[   12.000000] [    T77] )" + text + R"(\r\n","stream":"stdout"})";
      },
      [](auto& text, int) { return R"({"event":"record","short_message":")" + text + R"(","level":4})"; },
      [](auto& text, int) { return "01-02 03:04:05.123  root     0     0 W KERNEL  : " + text; },
      [](auto& text, int i) {
        return (i % 3 == 0 ? "a/dmesg-6.1.txt:" : "a/dmesg-6.1.txt-") + std::to_string(99 + i) +
               (i % 3 == 0 ? ":" : "-") + text;
      },
      [](auto& text, int i) { return std::to_string(99 + i) + (i == 1 ? ":" : "-") + text; },
      [](auto& text, int) { return "__CURSOR=s=1\n_BOOT_ID=1\nMESSAGE=" + text + "\n_TRANSPORT=kernel\n"; },
      [](auto& text, int) { return "&lt;4&gt;" + text + "<br>"; },
      [](auto& text, int) { return "^[[32m" + text + "^[[0m"; },
      [](auto& text, int i) { return "[   12." + six(i) + "] " + text + "\n[   12." + six(i) + "] " + text; },
      [](auto& text, int i) {
        return "[   12." + six(i) + "] " + text + "\nJan  2 03:04:05 host kernel: [   12." + six(i) + "] " +
               text;
      }};
  for (const Dress& dress : dresses) {
    const std::string log = dressed(dress);
    INFO(log);
    const auto found = scan_log(log);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == "BUG: kernel NULL pointer dereference in foo_go");
    CHECK(found[0].module == "foo");
    CHECK(found[0].line <= 3);
    CHECK(found[0].confirmed);
  }
}

TEST_CASE("lines broken at a terminal's width are put together") {
  std::string log;
  for (const std::string& each : std::vector<std::string>{
           "[   12.000001] ------------[ cut here ]------------",
           "[   12.000002] kernel BUG at /build/linux-AbCdEf/linux-6.1.0/drivers/net/ethernet/foo/foo.c:12!",
           "[   12.000003] invalid opcode: 0000 [#1] PREEMPT SMP",
           "[   12.000004] CPU: 1 UID: 0 PID: 77 Comm: insmod Tainted: G           OE       6.12.0 #1",
           "[   12.000005] RIP: 0010:foo_go+0x10/0x20 [foo]"}) {
    for (std::size_t at = 0; at < each.size(); at += 80) log += each.substr(at, 80) + "\n";
  }
  const auto found = scan_log(log);
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "kernel BUG in foo_go");
}

TEST_CASE("a document of JSON is read wherever its lines end") {
  std::string document = R"({"dmesg": [)";
  for (const std::string& each : oops)
    document += R"({"pri": 4, "time": 12.000001, "msg": ")" + each + R"("},)";
  document += R"({"msg": "the end"}]})";
  CHECK(scan_log(document).size() == 1);
  std::string pretty;
  for (const char c : document)
    pretty += c == '{' || c == ',' ? std::string(1, c) + "\n  " : std::string(1, c);
  CHECK(scan_log(pretty).size() == 1);
}

TEST_CASE("fragments of netconsole are one message") {
  std::string log =
      "4,416,1758426,-,ncfrag=0/67;BUG: kernel NULL pointer dere\n"
      "4,416,1758426,-,ncfrag=29/67;ference, address: 0000000000000008\n";
  for (std::size_t i = 1; i < oops.size(); ++i)
    log += "4,41" + std::to_string(i) + ",1758426,-;" + oops[i] + "\n SUBSYSTEM=usb\n";
  const auto found = scan_log(log);
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "BUG: kernel NULL pointer dereference in foo_go");
}

TEST_CASE("what looks like a form hides no report that stands there as it is") {
  const std::string crash = dressed([](auto& text, int i) { return "[   12." + six(i) + "] " + text; });
  for (const char* fake :
       {"{\"log\":\"hello\"}\n{\"log\":\n", "{\n  \"MESSAGE\": \"", "4,1,2,-;a\n4,2,3,-;b\n4,3,4,-;c\n",
        "__CURSOR=1\n_BOOT_ID=2\n", "2026-01-02 03:04:05 a\n2026-01-02 03:04:06 b\n2026-01-02 03:04:07 c\n",
        "&lt;&gt;\n&lt;&gt;\n<div\n"}) {
    const auto found = scan_log(fake + crash);
    INFO(fake);
    REQUIRE(!found.empty());
    CHECK(found[0].title == "BUG: kernel NULL pointer dereference in foo_go");
    CHECK(found[0].severity == Severity::fatal);
  }
}

TEST_CASE("how a log is cut changes nothing, its form included") {
  const std::string log = "random: crng init done\n" +
                          dressed([](auto& text, int) { return "2026-01-02 03:04:05 [    T77] " + text; });
  const auto whole = scan_log(log);
  REQUIRE(whole.size() == 1);
  for (std::size_t at = 0; at < log.size(); ++at) {
    LogScanner scanner;
    scanner.feed(std::string_view(log).substr(0, at));
    scanner.feed(std::string_view(log).substr(at));
    CHECK(scanner.finish() == whole);
  }
}

TEST_CASE("a shell that the command line asks for is no failure of a log") {
  const std::string line = "[    0.000000] Kernel command line: root=/dev/vda1 ";
  const auto counts = [](const std::string& log) {
    const auto found = scan_log(log);
    REQUIRE(found.size() == 1);
    return found[0].suppressed.empty();
  };
  CHECK_FALSE(counts(line + "rd.break quiet\nEntering emergency mode. Exit the shell to continue.\n"));
  CHECK_FALSE(counts(line + "break=premount\n(initramfs) \n"));
  CHECK(counts(line + "quiet\n(initramfs) \n"));
  CHECK(counts(line + "rd.break\n" + line + "quiet\n(initramfs) \n"));
  CHECK(counts(line + "break=premount\nALERT!  /dev/vda1 does not exist.  Dropping to a shell!\n"));
}

TEST_CASE("a text without one line of a kernel's is known as such") {
  const auto spoke = [](const std::string& log) {
    LogScanner scanner;
    scanner.feed(log);
    CHECK(scanner.finish().empty());
    return scanner.kernel_spoke();
  };
  CHECK_FALSE(spoke("hello\nworld [1]\n"));
  CHECK_FALSE(spoke(""));
  CHECK(spoke("<6>[    1.000000] foo: ok\n"));
  CHECK(spoke("Nov 03 14:00:00 myhost kernel: foo: ok\n"));
  CHECK(spoke("4,1,1000000,-;a\n4,2,1000001,-;b\n4,3,1000002,-;c\n"));
}

TEST_CASE("what another program says about a kernel is not the kernel's") {
  const std::vector<Dress> dresses{
      [](auto& text, int) { return "Jan 02 03:04:05 host root[55]: kernel: " + text; },
      [](auto& text, int) { return "Jan 02 03:04:05 host watcher[55]: " + text; },
      [](auto& text, int) { return "2026-01-02T03:04:05Z host watcher: " + text; },
      [](auto& text, int) { return "<4>1 2026-01-02T03:04:05.123Z host watcher 55 - - " + text; },
      [](auto& text, int) {
        return R"({"MESSAGE":")" + text + R"(","_TRANSPORT":"stdout","SYSLOG_IDENTIFIER":"cat"})";
      },
      [](auto& text, int) { return "__CURSOR=s=1\n_BOOT_ID=1\nMESSAGE=" + text + "\n_TRANSPORT=stdout\n"; },
      [](auto& text, int i) { return "[   12." + six(i) + "] sensor: " + text; },
      [](auto& text, int) { return "echo '" + text + "'"; }};
  for (const Dress& dress : dresses) {
    const std::string log = dressed(dress);
    INFO(log);
    CHECK(scan_log(log).empty());
  }
}
