// Reports of two processors line by line in each other, of a kernel that does not say who speaks.
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "promises.h"
#include "recorded.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

// "title | kind | severity | module", "?" behind an unconfirmed one, "torn" behind one that says so.
std::string line_of(const Finding& each) {
  std::string line = each.title + " | " + to_string(each.kind) + " | " + to_string(each.severity) + " | " +
                     each.module + (each.confirmed ? "" : " ?");
  return line + (each.corrupted.find("mixed line by line") == std::string::npos ? "" : " torn");
}

std::string summary(const std::string& log) {
  std::string all;
  for (const Finding& each : scan(log, Os::linux_)) all += line_of(each) + "\n";
  return all;
}

std::string stamped(const std::string& log) {
  std::string all, line;
  int number = 0;
  for (std::istringstream lines(log); std::getline(lines, line);)
    all += "[   12." + std::to_string(100000 + ++number) + "] " + line + "\n";
  return all;
}

struct Case {
  const char* what;
  std::string log;
  std::string expected;
};

// The words of three reports: an oops of foo's, a warning of bar's, a soft lockup in baz.
const std::string oops = "BUG: kernel NULL pointer dereference, address: 0000000000000008\n";
const std::string oops_pf = "#PF: supervisor read access in kernel mode\n";
const std::string oops_die = "Oops: Oops: 0000 [#1] SMP PTI\n";
const std::string oops_cpu = "CPU: 1 UID: 0 PID: 77 Comm: insmod Tainted: G           OE       6.12.0 #1\n";
const std::string oops_rip = "RIP: 0010:foo_go+0x10/0x20 [foo]\n";
const std::string warn = "WARNING: CPU: 0 PID: 88 at drivers/bar/bar.c:12 bar_go+0x10/0x20 [bar]\n";
const std::string warn_new = "WARNING: drivers/bar/bar.c:12 at bar_go+0x10/0x20 [bar], CPU#0: insmod/88\n";
const std::string warn_cpu = "CPU: 0 UID: 0 PID: 88 Comm: insmod Tainted: G           OE       6.12.0 #1\n";
const std::string warn_rip = "RIP: 0010:bar_go+0x10/0x20 [bar]\n";
const std::string warn2 = "WARNING: CPU: 2 PID: 99 at drivers/qux/qux.c:12 qux_go+0x10/0x20 [qux]\n";
const std::string warn2_cpu = "CPU: 2 UID: 0 PID: 99 Comm: insmod Tainted: G           OE       6.12.0 #1\n";
const std::string warn2_rip = "RIP: 0010:qux_go+0x10/0x20 [qux]\n";
const std::string lockup = "watchdog: BUG: soft lockup - CPU#2 stuck for 26s! [insmod:99]\n";
const std::string lockup_rip = "RIP: 0010:baz_spin+0x10/0x20 [baz]\n";
const std::string hardware = "Hardware name: QEMU\n";
const std::string trace = "Call Trace:\n", task = " <TASK>\n", task_end = " </TASK>\n";
const std::string foo_init = " foo_init+0x10/0x20 [foo]\n", bar_init = " bar_init+0x10/0x20 [bar]\n";
const std::string loader = " do_one_initcall+0x58/0x240\n";
const std::string end = "---[ end trace 0000000000000000 ]---\n",
                  cut = "------------[ cut here ]------------\n";

const std::string foo_oops = "BUG: kernel NULL pointer dereference in foo_go | oops | fatal | foo\n";
const std::string bar_warning = "WARNING in bar_go | warning | warning | bar\n";
const std::string qux_warning = "WARNING in qux_go | warning | warning | qux\n";
const std::string baz_lockup = "BUG: soft lockup in baz_spin | lockup | fatal | baz\n";

void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(summary(each.log) == each.expected);
    const std::string log = stamped(each.log);
    CHECK(summary(log) == each.expected);
    CHECK(scan_in_pieces(log, {1}) == scan(log));
    CHECK(scan_in_pieces(log, {37, 5, 200}) == scan(log));
  }
}

}  // namespace

TEST_CASE("reports of two processors, line by line in each other, are read apart by what their lines prove") {
  check({
      {"an oops and a warning",
       oops + cut + oops_pf + warn + oops_die + warn_cpu + oops_cpu + warn_rip + hardware + trace + oops_rip +
           task + trace + bar_init + task + task_end + foo_init + end + loader + task_end + end,
       foo_oops + bar_warning},
      {"the warning first",
       warn + oops + warn_cpu + oops_pf + oops_die + warn_rip + oops_cpu + trace + oops_rip + task + trace +
           bar_init + task + foo_init + end + loader + end,
       bar_warning + foo_oops},
      {"the warning of a new kernel",
       oops + cut + oops_pf + warn_new + oops_die + oops_cpu + warn_cpu + oops_rip + warn_rip + trace +
           trace + bar_init + foo_init + end + end,
       foo_oops + bar_warning},
      {"three lines of one, then three of the other",
       oops + warn + oops_pf + oops_die + oops_cpu + warn_cpu + hardware + warn_rip + hardware + oops_rip +
           trace + trace + task + bar_init + task + foo_init + loader + loader + end + end,
       foo_oops + bar_warning},
      {"two warnings", warn + warn2 + warn2_cpu + warn_cpu + warn_rip + warn2_rip + trace + trace + end + end,
       bar_warning + qux_warning},
      {"two warnings, the lines of the first behind those of the second",
       warn + warn2 + warn2_cpu + warn2_rip + trace + end + warn_cpu + warn_rip + trace + end,
       bar_warning + qux_warning},
      {"an oops and a soft lockup, each processor in front of its instruction",
       oops + lockup + oops_pf + oops_die + oops_cpu + hardware + oops_rip + warn2_cpu + hardware +
           lockup_rip + trace + trace + foo_init + end,
       foo_oops + baz_lockup},
      {"an oops and a warning whose lines were cut off",
       oops + warn + oops_die + warn_cpu + warn_rip + oops_cpu + oops_rip, foo_oops + bar_warning},
      {"a general protection fault that names itself in the numbered line",
       warn + "Oops: general protection fault: 0000 [#1] SMP PTI\n" + oops_cpu + warn_cpu + oops_rip +
           warn_rip + trace + trace + foo_init + end + end,
       bar_warning + "general protection fault in foo_go | oops | fatal | foo\n"},
      {"a warning whose own instruction stands in its trace only",
       "BUG: KASAN: slab-out-of-bounds in foo_go+0x10/0x20 [foo]\n" + warn + oops_cpu + trace + foo_init +
           warn_cpu + trace + loader + warn_rip + bar_init + loader,
       "KASAN: slab-out-of-bounds in foo_go | memory-safety | fatal | foo\n" + bar_warning},
      {"the body of the first alone", warn + oops + oops_die + warn_cpu + warn_rip + trace + bar_init + end,
       bar_warning + "BUG: kernel NULL pointer dereference | oops | fatal |  ?\n"},
      {"the body of the second alone", oops + warn + warn_cpu + warn_rip + trace + bar_init + end,
       "BUG: kernel NULL pointer dereference | oops | fatal |  ?\n" + bar_warning},
      {"the panic that follows is the oops'",
       oops + warn + oops_die + warn_cpu + oops_cpu + warn_rip + oops_rip + trace + trace + foo_init + end +
           "Kernel panic - not syncing: Fatal exception\n---[ end Kernel panic - not syncing: Fatal "
           "exception "
           "]---\n",
       foo_oops + bar_warning},
  });
}

TEST_CASE("of two mixed reports that nothing tells apart neither is named wrongly, and both say so") {
  const std::string fault = "BUG: unable to handle page fault for address: ffffc90000b40000\n";
  const std::string torn_oops = "BUG: kernel NULL pointer dereference | oops | fatal |  torn\n";
  check({
      {"two oopses",
       oops + fault + oops_pf + oops_pf + oops_die + "Oops: Oops: 0002 [#2] SMP PTI\n" + oops_cpu + warn_cpu +
           oops_rip + warn_rip + trace + trace + foo_init + bar_init + end + end,
       torn_oops + "BUG: unable to handle page fault | oops | fatal |  torn\n"},
      {"two oopses of one bug",
       oops + fault + oops_die + "Oops: Oops: 0002 [#2] SMP PTI\n" + oops_cpu + warn_cpu + oops_rip +
           oops_rip + trace + trace + foo_init + foo_init + end + end,
       "BUG: kernel NULL pointer dereference in foo_go | oops | fatal | foo\n"
       "BUG: unable to handle page fault in foo_go | oops | fatal | foo\n"},
      {"an oops and a soft lockup whose instructions stand behind both processors",
       oops + lockup + oops_die + oops_cpu + warn2_cpu + lockup_rip + oops_rip + trace + trace + foo_init +
           end,
       torn_oops + "BUG: soft lockup | lockup | fatal |  torn\n"},
      {"an oops in a helper, whose caller may be in either trace",
       oops + warn + oops_die + warn_cpu + oops_cpu + warn_rip + "RIP: 0010:memcpy+0x10/0x20\n" + trace +
           trace + bar_init + foo_init + end + end,
       torn_oops + "WARNING in bar_go | warning | warning | bar\n"},
  });
}

TEST_CASE("a report behind the torn header of another keeps its body") {
  check({{"an oops behind another's header",
          oops + oops + oops_pf + oops_die + oops_cpu + oops_rip + trace + foo_init + end,
          "BUG: kernel NULL pointer dereference | oops | fatal |  ?\n" + foo_oops},
         {"a warning behind another's", warn + warn2 + warn2_cpu + warn2_rip + trace + foo_init + end,
          "WARNING in bar_go | warning | warning | bar ?\n" + qux_warning}});
}

TEST_CASE("two mixed reports are told at a silence too, and once") {
  const std::string log = stamped(oops + cut + oops_pf + warn + oops_die + warn_cpu + oops_cpu + warn_rip +
                                  hardware + trace + oops_rip + trace + end + end);
  Scanner scanner(Os::linux_);
  CHECK(scanner.feed(log).empty());
  CHECK(scanner.pending());
  const auto findings = scanner.flush();
  REQUIRE(findings.size() == 2);
  CHECK(line_of(findings[0]) + "\n" == foo_oops);
  CHECK(line_of(findings[1]) + "\n" == bar_warning);
  CHECK_FALSE(scanner.pending());
  std::string chatter;
  for (int i = 0; i < 200; ++i) chatter += "[   13.000000] usb 1-1: new high-speed USB device\n";
  CHECK(scanner.feed(chatter).empty());
  CHECK(scanner.flush().empty());
}

TEST_CASE("however the lines of two reports are mixed, none gets the name of the other") {
  struct Half {
    std::string header;
    std::vector<std::string> body;
    std::string named, unnamed;  // both are right
  };
  const std::vector<Half> halves{
      {oops,
       {oops_pf, oops_die, oops_cpu, hardware, oops_rip, trace, task, foo_init, loader, task_end, end},
       foo_oops,
       "BUG: kernel NULL pointer dereference | oops | fatal |  torn\n"},
      {warn, {warn_cpu, warn_rip, trace, task, bar_init, loader, task_end, end}, bar_warning, bar_warning},
      {lockup,
       {warn2_cpu, hardware, lockup_rip, trace, task, " qux_init+0x1/0x2 [qux]\n", loader, task_end},
       baz_lockup,
       "BUG: soft lockup | lockup | fatal |  torn\n"}};
  std::minstd_rand random(5);
  unsigned all = 0, both = 0;
  for (int round = 0; round < 600; ++round) {
    const Half& one = halves[random() % 3];
    const Half& other = halves[random() % 3];
    if (&one == &other) continue;
    std::string log = one.header + other.header;
    std::size_t a = 0, b = 0;
    while (a < one.body.size() || b < other.body.size()) {
      const bool first = b == other.body.size() || (a < one.body.size() && random() % 2 == 0);
      log += first ? one.body[a++] : other.body[b++];
    }
    INFO(log);
    const auto findings = scan(log, Os::linux_);
    REQUIRE(findings.size() == 2);
    const std::string left = line_of(findings[0]) + "\n", right = line_of(findings[1]) + "\n";
    CHECK((left == one.named || left == one.unnamed));
    CHECK((right == other.named || right == other.unnamed));
    if (round % 20 == 0) CHECK(broken_promise(stamped(log)).empty());
    ++all;
    both += left == one.named && right == other.named;
  }
  INFO(both << " of " << all);
  CHECK(both * 10 > all * 8);
}

}  // namespace labctl::crash
