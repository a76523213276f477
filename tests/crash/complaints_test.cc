// What Linux complains of and goes on: warnings, and only in a kernel's own words.
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

struct Case {
  std::string line;  // without a stamp
  std::string title;
};

const std::string stamp = "[   12.345678] ";
const std::vector<std::string> stack{"CPU: 0 PID: 312 Comm: insmod Not tainted 6.1.0-47-amd64 #1",
                                     "Call Trace:",
                                     " <TASK>",
                                     " dump_stack_lvl+0x45/0x5e",
                                     " foo_init+0x40/0x1000 [foo]",
                                     " do_one_initcall+0x56/0x220",
                                     " </TASK>"};

std::string with_stack(const std::string& line) {
  std::string log = stamp + line + "\n";
  for (const std::string& each : stack) log += stamp + each + "\n";
  return log;
}

const std::vector<Case> lines{
    {"Out of memory: Killed process 812 (stress) total-vm:4194304kB, anon-rss:1048576kB, UID:0",
     "out of memory: process killed"},
    {"Out of memory: Kill process 812 (stress) score 901 or sacrifice child",
     "out of memory: process killed"},
    {"Out of memory (oom_kill_allocating_task): Killed process 812 (stress) total-vm:1kB",
     "out of memory: process killed"},
    {"kmemleak: 12 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
     "kmemleak: suspected memory leaks"},
    {"foo 0000:00:03.0 eth0: NETDEV WATCHDOG: CPU: 1: transmit queue 0 timed out 5432 ms",
     "NETDEV WATCHDOG: transmit queue timed out"},
    {"JBD2: Detected IO errors while flushing file data on sda1-8", "file system error: ext4"},
    {"XFS (sda1): Metadata CRC error detected at xfs_agi_read_verify+0x5e/0xc0 [xfs], xfs_agi block 0x2",
     "file system error: xfs"},
    {"XFS (dm-0): Internal error XFS_WANT_CORRUPTED_GOTO at line 1635 of file fs/xfs/libxfs/xfs_alloc.c.",
     "file system error: xfs"},
    {"BTRFS critical (device sda1): corrupt leaf: root=5 block=1 slot=2", "file system error: btrfs"},
    {"BTRFS: error (device sda1) in btrfs_commit_transaction:2260: errno=-5 IO failure",
     "file system error: btrfs"},
    {"BTRFS info (device sda1 state E): forced readonly", "file system shut down: btrfs"},
    {"BTRFS warning (device sda1): csum failed root 5 ino 257 off 0 csum 0x1 expected csum 0x2 mirror 1",
     "file system error: btrfs"},
    {"F2FS-fs (vda): inconsistent node block, nid:3, run fsck to fix.", "file system error: f2fs"},
    {"FAT-fs (sdb1): Filesystem has been set read-only", "file system shut down: fat"},
    {"NILFS (loop0): error -5: remounting filesystem read-only", "file system shut down: nilfs2"},
    {"UBIFS warning (ubi0:0 pid 7): ubifs_ro_mode [ubifs]: switched to read-only mode, error -5",
     "file system shut down: ubifs"},
    {"Buffer I/O error on dev sdb1, logical block 7, lost async page write",
     "I/O error: written data is lost"}};

const std::vector<Case> with_a_stack{
    {"insmod: page allocation failure: order:7, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)",
     "page allocation failure in foo_init"},
    {"kworker/u8:2: page allocation failure. order:4, mode:0x20", "page allocation failure in foo_init"},
    {"sysfs: cannot create duplicate filename '/class/foo'",
     "sysfs: cannot create duplicate filename in foo_init"},
    {"kmem_cache_destroy foo_cache: Slab cache still has objects",
     "slab cache still has objects in foo_init"}};

}  // namespace

TEST_CASE("what the kernel complains of is a warning") {
  for (const Case& each : lines) {
    INFO(each.line);
    const auto found = scan(stamp + each.line + "\n", Os::linux_);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == each.title);
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].confirmed);
  }
  for (const Case& each : with_a_stack) {
    INFO(each.line);
    const auto found = scan(with_stack(each.line), Os::linux_);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == each.title);
    CHECK(found[0].module == "foo");
    CHECK(found[0].severity == Severity::warning);
  }
}

TEST_CASE("a complaint in a document or of a program is none") {
  for (const auto* all : {&lines, &with_a_stack}) {
    for (const Case& each : *all) {
      if (each.title.find("shut down: btrfs") != std::string::npos) continue;
      INFO(each.line);
      CHECK(scan(each.line + "\n").empty());
      CHECK(scan("Jan  2 03:04:05 host app[7]: " + each.line + "\n").empty());
      CHECK(scan("# a kernel says '" + each.line + "'\n").empty());
    }
  }
}

TEST_CASE("what is no complaint") {
  for (const char* line :
       {"Memory cgroup out of memory: Killed process 812 (stress) total-vm:1kB",
        "oom_reaper: reaped process 812 (stress), now anon-rss:0kB",
        "EXT4-fs (sda1): re-mounted. Quota mode: none.", "XFS (sda1): Mounting V5 Filesystem",
        "BTRFS info (device sda1): using free space tree",
        "BTRFS error (device sda1): unrecognized mount option 'x'",
        "F2FS-fs (loop0): Can't find valid F2FS filesystem in 1th superblock",
        "blk_update_request: I/O error, dev sr0, sector 0",
        "Buffer I/O error on dev sr0, logical block 0, async page read",
        "foo: test of page allocation failure: order handling",
        "kmemleak: Kernel memory leak detector initialized",
        "app: vmalloc: allocation failure: 8589934588 bytes, mode:0x14080c0(GFP_KERNEL|__GFP_ZERO), "
        "nodemask=(null)",
        "irq 9: handled", "foo: NETDEV WATCHDOG: enabled"}) {
    INFO(line);
    CHECK(scan(with_stack(line), Os::linux_).empty());
  }
}

TEST_CASE("a complaint around which a kernel warns is one finding") {
  const auto found = scan(
      stamp + "------------[ cut here ]------------\n" + stamp +
          "kmem_cache_destroy foo: Slab cache still has objects when called from foo_exit+0x15/0x20 [foo]\n" +
          stamp + "WARNING: CPU: 1 PID: 7 at mm/slab_common.c:520 kmem_cache_destroy+0x150/0x160\n" + stamp +
          "Modules linked in: foo(OE-)\n" + stamp + "CPU: 1 PID: 7 Comm: rmmod Not tainted 6.1.0 #1\n" +
          stamp + "RIP: 0010:kmem_cache_destroy+0x150/0x160\n" + stamp + "Call Trace:\n" + stamp +
          " foo_exit+0x15/0x20 [foo]\n" + stamp + "---[ end trace 0000000000000000 ]---\n",
      Os::linux_);
  REQUIRE(found.size() == 1);
  CHECK(found[0].title == "slab cache still has objects in foo_exit");
  CHECK(found[0].module == "foo");
  CHECK(found[0].line == 1);
}

TEST_CASE("a lack of memory that ends in a panic is a panic") {
  const auto found = scan(
      stamp + "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled\n", Os::linux_);
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Kind::panic);
}

}  // namespace labctl::crash
