// What must not matter: how the bytes arrive, what stands between them, how lines end, where the text is
// torn.
#include <algorithm>
#include <random>
#include <string>

#include "recorded.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

const Recording& recording(const std::string& name) {
  for (const Recording& each : recordings()) {
    if (each.name == name) return each;
  }
  throw std::runtime_error("no recording " + name);
}

std::string all_logs() {
  std::string all;
  for (const Recording& each : recordings()) all += each.log + "\n";
  return all;
}

// Lines that nobody has to do anything with.
std::string chatter(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += "[   99.000000] usb 1-1: new high-speed USB device\n";
  return text;
}

std::size_t fatal(const std::vector<Finding>& findings) {
  const auto is_fatal = [](const Finding& each) { return each.severity == Severity::fatal; };
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(), is_fatal));
}

const std::string null_header =
    "[   12.345678] BUG: kernel NULL pointer dereference, address: 0000000000000008\n";

}  // namespace

TEST_CASE("chunks may be split anywhere") {
  std::mt19937 random(7);
  for (const Recording& each : recordings()) {
    INFO(each.name);
    const auto whole = scan(each.log);
    CHECK(scan_in_pieces(each.log, {1}) == whole);
    CHECK(scan_in_pieces(each.log, {4096}) == whole);
    for (int round = 0; round < 5; ++round) {
      std::vector<std::size_t> sizes(50);
      for (std::size_t& size : sizes) size = random() % 200;
      CHECK(scan_in_pieces(each.log, sizes) == whole);
    }
  }
}

TEST_CASE("chunks may be split anywhere in any bytes") {
  std::mt19937 random(11);
  const std::string logs = all_logs();
  for (int round = 0; round < 30; ++round) {
    // Pieces of reports, torn and shuffled, with garbage between them.
    std::string text;
    while (text.size() < 60000) {
      text += logs.substr(random() % logs.size(), random() % 3000);
      for (std::size_t i = random() % 20; i > 0; --i) text += static_cast<char>(random());
      if (random() % 8 == 0) text += std::string(random() % 20000, "x[ \x1b"[random() % 4]);
    }
    const auto whole = scan(text);
    CHECK(scan_in_pieces(text, {1}) == whole);
    CHECK(scan_in_pieces(text, {random() % 9000 + 1, random() % 50}) == whole);
  }
}

TEST_CASE("line ends, levels and timestamps do not matter") {
  for (const Recording& each : recordings()) {
    INFO(each.name);
    const std::string expected = told(scan(each.log));
    if (each.log.find('\r') == std::string::npos) {
      CHECK(told(scan(replaced(each.log, "\n", "\r\n"))) == expected);
      CHECK(told(scan(replaced(each.log, "\n", "\r\r\n"))) == expected);
      CHECK(told(scan(replaced(each.log, "\n", "\n\n"))) == expected);
    }
    CHECK(told(scan(replaced(each.log, "\n[", "\n<4>["))) == expected);
    CHECK(told(scan(replaced(each.log, "\n[", std::string("\n\0[", 3)))) == expected);
    CHECK(told(scan(replaced(each.log, "[   12.345678]", "[12345678.345678]"))) == expected);
  }
}

TEST_CASE("bytes before and behind a report do not matter") {
  std::mt19937 random(13);
  std::string garbage;
  for (int i = 0; i < 5000; ++i) garbage += static_cast<char>(random());
  for (const Recording& each : recordings()) {
    if (each.expected.size() != 1 || each.log.starts_with("[ ") == false) continue;
    INFO(each.name);
    CHECK(told(scan(garbage + each.log)) == told(each.expected));
    CHECK(told(scan("debian login: " + each.log)) == told(each.expected));
    CHECK(told(scan(chatter(300) + each.log + "\n" + chatter(300))) == told(each.expected));
  }
}

TEST_CASE("terminal control inside a header does not hide it") {
  const std::string log =
      "[    1.000000] \x1b[1;31mKernel panic - not \x1b[0msyncing\x07: sensor: no\b content\x1b]0;t\x07\n";
  const auto findings = scan(log);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].title == "kernel panic: sensor: no content");
}

TEST_CASE("a line of ten megabytes is read in bounded pieces") {
  const std::string oops = recording("001-oops-null.log").log;
  const std::string fill(10 << 20, 'x');
  CHECK(scan(fill).empty());
  CHECK(told(scan(fill + "\n" + oops)) == told(scan(oops)));
  // Nobody ended the long line before the kernel spoke.
  const std::string torn = oops.substr(oops.find("[   12.345678] BUG"));
  CHECK(told(scan(fill + torn)) == told(scan(torn)));
  for (std::size_t extra = 0; extra < 100; extra += 7) {
    CHECK(told(scan(std::string(8192 - extra, 'x') + torn)) == told(scan(torn)));
  }
  Scanner scanner;
  scanner.feed(fill);
  CHECK(scanner.last_line() == std::string(512, 'x'));
}

TEST_CASE("a flood of reports is told once each and does not pile up") {
  const std::string oops = recording("001-oops-null.log").log;
  Scanner scanner;
  std::size_t count = 0;
  for (int i = 0; i < 2000; ++i) count += scanner.feed(oops).size();
  count += scanner.flush().size();
  CHECK(count == 1);
  // The next boot tells it again.
  scanner.feed("[    0.000000] Linux version 6.1.0-47-amd64 (debian)\n");
  CHECK(scanner.feed(oops + chatter(40)).size() == 1);
}

TEST_CASE("excerpts are bounded") {
  const auto findings = scan(null_header + std::string(1 << 20, 'y') + "\n" + chatter(3000));
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].excerpt.size() <= 16384);
}

TEST_CASE("a report torn at any byte still counts once its header stands") {
  const std::string oops = recording("001-oops-null.log").log;
  const std::size_t header = oops.find("dereference, address");
  for (std::size_t end = header + 12; end < oops.size(); end += 13) {
    const auto findings = scan(oops.substr(0, end));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].kind == Kind::oops);
    CHECK(findings[0].title.starts_with("BUG: kernel NULL pointer dereference"));
    CHECK((findings[0].confirmed || !findings[0].corrupted.empty()));
  }
}

TEST_CASE("a report may follow the torn start of another") {
  const std::string oops = recording("001-oops-null.log").log;
  const std::string torn = "[   12.000000] general protection fault: 0000 [#1] PREEMPT SMP\n";
  const auto findings = scan(torn + oops.substr(oops.find("[   12.345678] BUG")));
  REQUIRE(findings.size() == 2);
  CHECK_FALSE(findings[0].confirmed);
  CHECK(findings[1].confirmed);
  CHECK(findings[1].module == "sensor");
}

TEST_CASE("a flush tells what is pending, and a body that comes later confirms it") {
  const std::string oops = recording("001-oops-null.log").log;
  const std::size_t behind_header = oops.find('\n', oops.find("BUG: kernel NULL")) + 1;
  Scanner scanner;
  CHECK(scanner.feed(oops.substr(0, behind_header)).empty());
  CHECK(scanner.pending());
  const auto early = scanner.flush();
  REQUIRE(early.size() == 1);
  CHECK_FALSE(early[0].confirmed);
  CHECK_FALSE(scanner.pending());
  CHECK(scanner.flush().empty());
  auto late = scanner.feed(oops.substr(behind_header));
  CHECK(scanner.pending());
  const auto rest = scanner.flush();
  late.insert(late.end(), rest.begin(), rest.end());
  REQUIRE(late.size() == 1);
  CHECK(late[0].confirmed);
  CHECK(late[0].title == "BUG: kernel NULL pointer dereference in sensor_match");
  CHECK(late[0].offset == early[0].offset);
  CHECK_FALSE(scanner.pending());
  CHECK(scanner.feed(chatter(300)).empty());
}

TEST_CASE("a confirmed report is not told again when it goes on") {
  const std::string oops = recording("003-oops-then-panic.log").log;
  const std::size_t half = oops.find("[   12.345678] Modules linked in");
  Scanner scanner;
  scanner.feed(oops.substr(0, half));
  CHECK(scanner.flush().size() == 1);
  CHECK(scanner.feed(oops.substr(half)).empty());
  CHECK(scanner.flush().empty());
}

TEST_CASE("a prompt has no newline") {
  Scanner scanner;
  CHECK(scanner.feed("\r\n(initramfs) ").empty());
  CHECK(scanner.pending());
  const auto findings = scanner.flush();
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].title == "boot failure: initramfs shell");
  CHECK(findings[0].confirmed);
  CHECK_FALSE(scanner.pending());
  CHECK(scanner.feed("ls\r\n(initramfs) ").empty());
  CHECK(scanner.flush().empty());
}

TEST_CASE("a driver cannot fake a prompt") {
  CHECK(scan("[   12.345678] sensor: ready\r(initramfs) \r\n").empty());
  CHECK(scan("[   12.345678] grub rescue> \n").empty());
}

TEST_CASE("a panic is never lost behind an earlier report") {
  const std::string warning = recording("017-warning.log").log;
  const std::string panic = recording("004-panic.log").log;
  CHECK(fatal(scan(warning + panic)) == 1);
  CHECK(fatal(scan(warning + chatter(500) + recording("025-init-exits.log").log)) == 1);
  CHECK(fatal(scan(recording("045-panic-on-warn.log").log)) == 1);
  // Nothing but its last line survived.
  const auto last = scan("[   12.345678] ---[ end Kernel panic - not syncing: Fatal exception ]---\n");
  REQUIRE(last.size() == 1);
  CHECK(last[0].kind == Kind::panic);
}

TEST_CASE("kernel starts are counted, quotations of them are not") {
  Scanner scanner;
  scanner.feed("[    0.000000] Linux version 6.1.0-47-amd64 (debian)\r\n");
  scanner.feed("[    0.000000][    T0] Linux version 6.12.0 (debian)\r\n");
  scanner.feed("[   12.000000] Linux version 6.1.0 is what we were built for\n");
  scanner.feed("Nov 21 23:20:01 debian kernel: [    0.000000] Linux version 6.1.0-47-amd64 (debian)\n");
  scanner.feed("Linux version 6.1.0\n");
  CHECK(scanner.kernel_starts() == 2);
}

TEST_CASE("the last line is bounded, and without what is a terminal's") {
  Scanner scanner;
  CHECK(scanner.last_line().empty());
  scanner.feed("first\r\nsecond\x1b[0m\r\n\r\n");
  CHECK(scanner.last_line() == "second");
  scanner.feed("thi");
  CHECK(scanner.last_line() == "thi");
  scanner.feed("rd");
  CHECK(scanner.last_line() == "third");
  scanner.feed("\n");
  CHECK(scanner.last_line() == "third");
}

TEST_CASE("another system's console has no Linux headers") {
  CHECK(scan(recording("001-oops-null.log").log, Os::windows).empty());
  CHECK(scan("No bootable device.\r\n", Os::windows).size() == 1);
}

TEST_CASE("a warning is told by the file that gave it, in the old and in the new form") {
  struct Case {
    const char *file, *function, *title;
    Kind kind;
  };
  for (const Case& each :
       {Case{"lib/refcount.c", "refcount_warn_saturate", "WARNING: refcount bug in sensor_put",
             Kind::memory_safety},
        Case{"lib/list_debug.c", "__list_del_entry_valid", "BUG: corrupted list in sensor_put", Kind::bug},
        Case{"kernel/locking/lockdep.c", "look_up_lock_class", "WARNING: locking bug in sensor_put",
             Kind::lock},
        Case{"drivers/sensor.c", "sensor_get", "WARNING in sensor_get", Kind::warning}}) {
    const std::string stamp = "[   12.345678] ", place = std::string(each.function) + "+0x1/0x20";
    const std::string body = stamp + "CPU: 0 PID: 133 Comm: insmod Not tainted 7.3.4 #1\n" + stamp +
                             "RIP: 0010:" + place + "\n" + stamp + "Call Trace:\n" + stamp +
                             " sensor_put+0x5/0x10 [sensor]\n" + stamp +
                             "---[ end trace 0000000000000000 ]---\n";
    for (const std::string& header :
         {"WARNING: CPU: 0 PID: 133 at " + std::string(each.file) + ":28 " + place,
          "WARNING: " + std::string(each.file) + ":28 at " + place + ", CPU#0: insmod/133"}) {
      INFO(header);
      const auto findings = scan(stamp + header + "\n" + body);
      REQUIRE(findings.size() == 1);
      CHECK(findings[0].title == each.title);
      CHECK(findings[0].kind == each.kind);
      CHECK(findings[0].module == "sensor");
      CHECK(findings[0].confirmed);
    }
  }
}

TEST_CASE("names and values of kinds and severities agree") {
  for (const Kind kind :
       {Kind::panic, Kind::oops, Kind::bug, Kind::stop_code, Kind::lockup, Kind::stall, Kind::hung_task,
        Kind::memory_safety, Kind::lock, Kind::warning, Kind::boot_failure, Kind::reset, Kind::other}) {
    CHECK(kind_from(to_string(kind)) == kind);
  }
  CHECK(kind_from("no such kind") == Kind::other);
  CHECK(severity_from(to_string(Severity::warning)) == Severity::warning);
  CHECK(severity_from(to_string(Severity::fatal)) == Severity::fatal);
  CHECK(severity_from("no such severity") == Severity::fatal);
}

TEST_CASE("a header that is sure is told although one that is not came first") {
  // The first is torn, the trace another's.
  const std::string log = "[    1.000000] kernel BUG at lib/list_debug.c\n" + chatter(1) +
                          "[    1.000001] Oops: 0000 [#1] PREEMPT SMP NOPTI\n"
                          "[    1.000002]  other_function+0x1/0x2 [other]\n" +
                          chatter(100);
  CHECK(fatal(scan(log)) == 1);
}

TEST_CASE("words of a driver's are not confirmed by the traces of others") {
  // A self-test's, then the states of tasks, then a module that prints its own stack.
  const std::string log =
      "[   12.000008] BUG: 0 found by the self-test\n"
      "[   12.000011] Call Trace:\n"
      "[   12.300000] task:kworker/0:0     state:I stack:0     pid:20    ppid:2      flags:0x00004000\n"
      "[   12.300001] Call Trace:\n"
      "[   12.300002]  <TASK>\n"
      "[   12.300003]  worker_thread+0xb9/0x380\n"
      "[   12.300004]  </TASK>\n" +
      chatter(10) +
      "[   12.400000] CPU: 0 PID: 312 Comm: insmod Tainted: G           OE      6.1.0-47-amd64 #1\n"
      "[   12.400001] Call Trace:\n"
      "[   12.400002]  dump_stack_lvl+0x44/0x5c\n"
      "[   12.400003]  init_module+0x10/0x20 [sensor]\n" +
      chatter(100);
  CHECK(scan(log).empty());
}

}  // namespace labctl::crash
