// Classes of reports that one line's pattern does not decide: torn headers, earlier lines, other processors.
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "tests/catch.h"

namespace labctl::crash {
namespace {

// "title | kind | severity | module", "?" behind an unconfirmed one.
std::vector<std::string> summary(const std::string& log) {
  std::vector<std::string> all;
  for (const Finding& each : scan(log, Os::linux_))
    all.push_back(each.title + " | " + to_string(each.kind) + " | " + to_string(each.severity) + " | " +
                  each.module + (each.confirmed ? "" : " ?"));
  return all;
}

const std::string body =
    "[   20.000003] CPU: 1 PID: 7 Comm: modprobe Tainted: G           OE      6.1.0 #1\n"
    "[   20.000004] RIP: 0010:ball_go+0x10/0x20 [ball]\n"
    "[   20.000005] Call Trace:\n"
    "[   20.000006]  ball_init+0x1/0x2 [ball]\n"
    "[   20.000007] ---[ end trace 0000000000000000 ]---\n";

struct Case {
  const char* what;
  std::string log;
  std::vector<std::string> expected;
};

}  // namespace

TEST_CASE("each class of reports is reported as what it is") {
  const std::vector<Case> cases{
      {"a warning whose end another processor's line tore off",
       "[   20.000001] WARNING: drivers/ball/ball.c:12 at ball_go+0x10/0x2[   20.000002] usb 1-1: new\n" +
           body,
       {"WARNING in ball_go | warning | warning | ball"}},
      {"a warning with its condition",
       "[   20.000001] WARNING: [ball->size > 4] drivers/ball/ball.c:12 at ball_go+0x10/0x20 [ball], CPU#1: "
       "modprobe/7\n" +
           body,
       {"WARNING in ball_go | warning | warning | ball"}},
      {"a warning at a place without a name",
       "[   20.000001] WARNING: drivers/ball/ball.c:12 at 0xc029e04c, CPU#1: modprobe/7\n",
       {"WARNING in ADDR | warning | warning |  ?"}},
      {"a warning of an old kernel",
       "[   20.000001] WARNING: at drivers/ball/ball.c:390\n" + body,
       {"WARNING in ball_go | warning | warning | ball"}},
      {"a healthy line long before",
       "[   10.000001] ODEBUG: free active object\n[   12.5] usb\n[   20.000001] BUG: kernel NULL pointer "
       "dereference\n" +
           body,
       {"BUG: kernel NULL pointer dereference in ball_go | oops | fatal | ball"}},
      {"a healthy line of a checker",
       "ODEBUG: 100 of 100 active objects replaced\nBUG: kernel NULL pointer dereference\n" + body,
       {"BUG: kernel NULL pointer dereference in ball_go | oops | fatal | ball"}},
      {"a BUG that panics at once",
       "[   20.000001] BUG: failure at drivers/ball/ball.c:12/ball_go()!\n"
       "[   20.000002] Kernel panic - not syncing: BUG!\n" +
           body,
       {"kernel BUG in ball_go | bug | fatal | ball"}},
      {"powerpc",
       "[   20.000001] BUG: Unable to handle kernel data access on read at 0x12e0\n"
       "[   20.000002] Oops: Kernel access of bad area, sig: 11 [#1]\n"
       "[   20.000003] CPU: 1 PID: 7 Comm: modprobe Tainted: G           OE      6.1.0 #1\n"
       "[   20.000004] NIP [c0080000008cb4dc] ball_go+0x18c/0x220 [ball]\n"
       "[   20.000005] [c000000010ff3ad0] [c00000000806b258] core_call+0x98/0x110\n",
       {"BUG: unable to handle page fault in ball_go | oops | fatal | ball"}},
      {"s390",
       "[   20.000001] Unable to handle kernel pointer dereference in virtual kernel address space\n"
       "[   20.000002] Oops: 0004 ilc:3 [#1] SMP\n"
       "[   20.000003] CPU: 1 PID: 7 Comm: modprobe Tainted: G           OE      6.1.0 #1\n"
       "[   20.000004] Krnl PSW : 0704c00180000000 000003ff801e59e4 (ball_go+0x64/0x90 [ball])\n",
       {"BUG: unable to handle page fault in ball_go | oops | fatal | ball"}},
      {"a hard lockup of powerpc",
       "[   20.000001] watchdog: CPU 5 self-detected hard LOCKUP @ ball_spin+0x10/0x20 [ball]\n",
       {"BUG: hard lockup in ball_spin | lockup | fatal | ball ?"}},
      {"a hard lockup of 3.x",
       "[   20.000001] WARNING: at kernel/watchdog.c:245 watchdog_overflow_callback+0x9c/0xd0()\n"
       "[   20.000002] Watchdog detected hard LOCKUP on cpu 0\n"
       "[   20.000003] Pid: 0, comm: swapper/0 Tainted: G           O 3.10.0 #1\n"
       "[   20.000004]  <NMI>  [<ffffffff8105f8ef>] warn_slowpath_common+0x7f/0xc0\n"
       "[   20.000005]  <<EOE>>  [<ffffffffa0000010>] ball_spin+0x10/0x20 [ball]\n",
       {"BUG: hard lockup in ball_spin | lockup | fatal | ball"}},
      {"lockdep cut short",
       "[   20.000001] WARNING: possible circular locking dependency detected\n"
       "[   20.000002] modprobe/7 is trying to acquire lock:\n"
       "[   20.000003] ffffffff8226bf70 (&a){+.+.}-{3:3}, at: ball_both+0x198/0x310 [ball]\n"
       "[   20.000004] but task is already holding lock:\n"
       "[   20.000005] the existing dependency chain (in reverse order) is:\n",
       {"WARNING: possible circular locking dependency detected in ball_both | lock | fatal | ball"}},
      {"an interrupt that nobody handles",
       "[   20.000001] irq 26: nobody cared (try booting with the \"irqpoll\" option)\n"
       "[   20.000002] handlers:\n[   20.000003] [<00000000a1b2c3d4>] ball_irq [ball]\n"
       "[   20.000004] Disabling IRQ #26\n",
       {"irq: nobody cared | error | warning | ball"}},
      {"a panic of the porting layer that ZFS brings along",
       "[   20.000001] VERIFY3(a >= b) failed (1 >= 2)\n[   20.000002] PANIC at ball.c:503:ball_remove()\n"
       "[   20.000003] Showing stack for process 7\n[   20.000004]  spl_panic+0xf9/0x110 [spl]\n"
       "[   20.000005]  ball_remove+0x8dd/0xf40 [ball]\n",
       {"SPL panic in ball_remove | bug | fatal | ball"}},
      {"the end of a panic alone",
       "---[ end Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0) ]---   \n",
       {"kernel panic: VFS: Unable to mount root fs | boot-failure | fatal |  ?"}},
      {"a network device that is waited for",
       "[   20.000001] unregister_netdevice: waiting for veth0 to become free. Usage count = 2\n",
       {"unregister_netdevice: waiting for a device to become free | hung-task | fatal |  ?"}},
      {"mkinitcpio",
       "ERROR: device 'UUID=x' not found. Skipping fsck.\nYou are now being dropped into an emergency "
       "shell.\n[rootfs ]# \n",
       {"boot failure: initramfs shell | boot-failure | fatal | "}},
      {"NixOS",
       "An error occurred in stage 1 of the boot process, which must mount the\n",
       {"boot failure: initramfs shell | boot-failure | fatal | "}},
      {"dracut",
       "dracut-initqueue[273]: Warning: Could not boot.\n"
       "Generating \"/run/initramfs/rdsosreport.txt\"\nEntering emergency mode. Exit the shell to "
       "continue.\n",
       {"boot failure: initramfs shell | boot-failure | fatal | "}},
      {"GRUB 2.12",
       "error: ../../grub-core/loader/i386/efi/linux.c:256:you need to load the kernel first.\n",
       {"boot failure: GRUB has no kernel | boot-failure | fatal | "}},
      {"the EFI stub",
       "EFI stub: ERROR: Failed to relocate kernel\n",
       {"boot failure: EFI stub gave up | boot-failure | fatal | "}},
      {"a file system that gave up",
       "[   12.0] x\n[   12.000001] EXT4-fs error (device sda1): ext4_lookup:1850: inode #2: comm x: deleted "
       "inode "
       "referenced: 12\n[   12.000002] EXT4-fs (sda1): Remounting filesystem read-only\n",
       {"file system error: ext4 | error | warning | ", "file system shut down: ext4 | error | warning | "}},
      {"an oops without its header",
       "[   20.000001] CPU: 1 PID: 7 Comm: modprobe Tainted: G      D    OE      5.4.0 #1\n"
       "[   20.000002] RIP: 0010:ball_go+0x10/0x20 [ball]\n[   20.000003] RSP: 0018:ffffabe3c3607ea8 EFLAGS: "
       "00010246\n"
       "[   20.000004] Call Trace:\n[   20.000005]  ball_init+0x10/0x20 [ball]\n"
       "[   20.000006] ---[ end trace 0000000000000000 ]---\n",
       {"oops (header lost) in ball_go | oops | fatal | ball"}},
      {"a warning without its header",
       "[   20.000001] CPU: 1 PID: 7 Comm: modprobe Tainted: G           OE      5.4.0 #1\n"
       "[   20.000002] RIP: 0010:ball_go+0x10/0x20 [ball]\n[   20.000003] Code: 00 00 00 <0f> 0b c3 00 00\n"
       "[   20.000004] RSP: 0018:ffffabe3c3607ea8 EFLAGS: 00010246\n"
       "[   20.000005] Call Trace:\n[   20.000006]  ball_init+0x10/0x20 [ball]\n"
       "[   20.000007] ---[ end trace 0000000000000000 ]---\n",
       {}},
      {"a stack that somebody asked for",
       "[   20.000001] CPU: 1 PID: 7 Comm: modprobe Tainted: G           OE      5.4.0 #1\n"
       "[   20.000002] Call Trace:\n[   20.000003]  dump_stack+0x10/0x20\n[   20.000004]  "
       "ball_init+0x10/0x20 [ball]\n",
       {}},
      {"Xen", "(XEN) [2026-01-02 03:04:05] Panic on CPU 0:\n", {"Xen panic | panic | fatal | "}}};
  for (const Case& each : cases) {
    INFO(each.what);
    CHECK(summary(each.log) == each.expected);
  }
}

TEST_CASE("a wait for a network device counts when the message repeats") {
  const std::string wait = "unregister_netdevice: waiting for veth0 to become free. Usage count = 2\n";
  const auto findings = scan("[   20.000001] " + wait + "[   30.000001] " + wait, Os::linux_);
  REQUIRE(findings.size() == 2);
  CHECK_FALSE(findings[0].confirmed);
  CHECK(findings[1].confirmed);
  CHECK(findings[1].offset == findings[0].offset);
}

TEST_CASE("user space's faults and healthy boots are no reports") {
  for (const char* line :
       {"[   20.0] traps: app[7] general protection fault ip:55 sp:7f error:0 in app[55]\n",
        "EFI stub: Loaded initrd from LINUX_EFI_INITRD_MEDIA_GUID device path\n",
        "error: no such device: 1234.\n", "(XEN) Latest ChangeSet: \n",
        "general protection fault, probably\n", "Oops: 0000 \n"}) {
    INFO(line);
    CHECK(summary(line).empty());
    std::string log = std::string("[   20.000001] ") + line;
    for (int i = 0; i < 20; ++i) log += "[   20.000002] usb 1-1: new device\n";
    CHECK(summary(log + body).empty());
  }
}

}  // namespace labctl::crash
