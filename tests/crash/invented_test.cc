// Reports of several processors and kernels, as invented as the module in them, in the forms that logs have:
// each is found once. The same words as what somebody else says, writes or looks for: none is found.
#include <functional>
#include <string>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/log.h"
#include "tests/catch.h"

using namespace labctl::crash;

namespace {

struct Invented {
  std::string title;
  std::vector<std::string> lines;
};

const std::vector<Invented> reports{
    {"BUG: kernel NULL pointer dereference in foo_read",
     {"BUG: kernel NULL pointer dereference, address: 0000000000000008",
      "#PF: supervisor read access in kernel mode",
      "#PF: error_code(0x0000) - not-present page",
      "PGD 0 P4D 0 ",
      "Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI",
      "CPU: 3 UID: 0 PID: 1203 Comm: cat Tainted: G           OE      6.12.117+deb12-amd64 #1",
      "Hardware name: QEMU Standard PC (Q35 + ICH9, 2009), BIOS 1.16.2-debian-1.16.2-1 04/01/2014",
      "RIP: 0010:foo_read+0x1c/0x40 [foo]",
      "Code: 0f 1f 44 00 00 48 8b 05 aa bb cc dd 48 85 c0 74 0a <48> 8b 40 08 c3 cc cc cc cc 31 c0 c3",
      "RSP: 0018:ffffb0d2c0a5be28 EFLAGS: 00010246",
      "RAX: 0000000000000000 RBX: ffff9d1c41f3a000 RCX: 0000000000000000",
      "CR2: 0000000000000008 CR3: 0000000104a5e000 CR4: 00000000000006e0",
      "Call Trace:",
      " <TASK>",
      " foo_read+0x1c/0x40 [foo]",
      " vfs_read+0x9f/0x170",
      " ksys_read+0x5f/0xe0",
      " do_syscall_64+0x5b/0x80",
      " entry_SYSCALL_64_after_hwframe+0x63/0xcd",
      "RIP: 0033:0x7f3b1c6ee19d",
      "Code: 31 c0 e9 c6 fe ff ff 50 48 8d 3d 66 54 0a 00 e8 49 ff 01 00 <48> 3d 00 f0 ff ff",
      "RSP: 002b:00007ffd7d1b2f18 EFLAGS: 00000246 ORIG_RAX: 0000000000000000",
      "RAX: ffffffffffffffda RBX: 0000000000020000 RCX: 00007f3b1c6ee19d",
      " </TASK>",
      "Modules linked in: foo(OE) snd_hda_codec_generic snd_hda_intel bluetooth rfkill qemu_fw_cfg ip_tables "
      "x_tables autofs4 [last unloaded: foo]",
      "CR2: 0000000000000008",
      "---[ end trace 0000000000000000 ]---"}},
    {"BUG: kernel NULL pointer dereference in foo_read",
     {"Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008",
      "Mem abort info:",
      "  ESR = 0x0000000096000004",
      "Internal error: Oops: 0000000096000004 [#1] PREEMPT SMP",
      "Modules linked in: foo(OE) brcmfmac cfg80211",
      "CPU: 2 PID: 871 Comm: cat Tainted: G           OE      6.6.20+rpt-rpi-v8 #1",
      "Hardware name: Raspberry Pi 4 Model B Rev 1.4 (DT)",
      "pstate: 60000005 (nZCv daif -PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
      "pc : foo_read+0x20/0x60 [foo]",
      "lr : vfs_read+0xc8/0x300",
      "sp : ffffffc080f9bd00",
      "x29: ffffffc080f9bd00 x28: ffffff8041d2be00 x27: 0000000000000000",
      "Call trace:",
      " foo_read+0x20/0x60 [foo]",
      " vfs_read+0xc8/0x300",
      " ksys_read+0x74/0x110",
      " __arm64_sys_read+0x24/0x38",
      " invoke_syscall+0x50/0x128",
      " el0_svc_common.constprop.0+0x48/0xf8",
      " do_el0_svc+0x28/0x40",
      " el0_svc+0x34/0x100",
      " el0t_64_sync_handler+0x100/0x130",
      " el0t_64_sync+0x190/0x198",
      "Code: d503201f a9be7bfd 910003fd f9000bf3 (f9400400) ",
      "---[ end trace 0000000000000000 ]---"}},
    {"BUG: kernel NULL pointer dereference in foo_read",
     {"Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000", "Oops [#1]",
      "Modules linked in: foo(O)", "CPU: 1 PID: 80 Comm: cat Tainted: G           O       6.6.0 #1",
      "Hardware name: riscv-virtio,qemu (DT)", "epc : foo_read+0x1e/0x30 [foo]", " ra : vfs_read+0x9c/0x1f0",
      "epc : ffffffff0163801e ra : ffffffff8019aa6c sp : ff200000002d3d50",
      "status: 0000000200000120 badaddr: 0000000000000000 cause: 000000000000000d",
      "[<ffffffff0163801e>] foo_read+0x1e/0x30 [foo]", "[<ffffffff8019b0aa>] ksys_read+0x5a/0xc0",
      "[<ffffffff8019b126>] __riscv_sys_read+0x16/0x1e", "[<ffffffff80003b3e>] syscall_handler+0x20/0x40",
      "[<ffffffff8080f1c0>] do_trap_ecall_u+0xb0/0xd0", "[<ffffffff800032e8>] ret_from_exception+0x0/0x64",
      "Code: 8082 7139 fc06 f822 0080 (4388) 0001", "---[ end trace 0000000000000000 ]---"}},
    {"BUG: kernel NULL pointer dereference in foo_read",
     {"BUG: Kernel NULL pointer dereference on read at 0x00000008",
      "Faulting instruction address: 0xc0080000001a0120",
      "Oops: Kernel access of bad area, sig: 11 [#1]",
      "LE PAGE_SIZE=64K MMU=Radix SMP NR_CPUS=2048 NUMA pSeries",
      "Modules linked in: foo(OE) xts ecb",
      "CPU: 5 PID: 3212 Comm: cat Tainted: G           OE      6.4.0-150600.23-default #1 SLE15-SP6",
      "Hardware name: IBM,9009-42A POWER9 (raw) 0x4e0202 0xf000005 of:IBM,FW950.30 hv:phyp pSeries",
      "NIP:  c0080000001a0120 LR: c00000000047a1b0 CTR: c0080000001a00f8",
      "REGS: c00000000b3f79c0 TRAP: 0300   Tainted: G           OE       (6.4.0-150600.23-default)",
      "MSR:  8000000000009033 <SF,EE,ME,IR,DR,RI,LE>  CR: 24002288  XER: 00000000",
      "NIP [c0080000001a0120] foo_read+0x28/0x60 [foo]",
      "LR [c00000000047a1b0] vfs_read+0xd0/0x2b0",
      "Call Trace:",
      "[c00000000b3f7c60] [c00000000047a1b0] vfs_read+0xd0/0x2b0",
      "[c00000000b3f7d10] [c00000000047aab4] ksys_read+0x84/0x140",
      "[c00000000b3f7d60] [c00000000002f5a8] system_call_exception+0x138/0x330",
      "[c00000000b3f7e50] [c00000000000bfe8] system_call_vectored_common+0xe8/0x278",
      "--- interrupt: 3000 at 0x7fff9f4b0264",
      "Code: 7c0802a6 60000000 7c0802a6 fbe1fff8 f8010010 f821ffd1 7c7f1b78 e9230008 ",
      "---[ end trace 0000000000000000 ]---"}},
    {"WARNING in foo_go",
     {"WARNING: [state > MAX && !dead] drivers/misc/foo.c:99 at foo_go+0x10/0x20 [foo], CPU#3: cat/1203",
      "Modules linked in: foo(OE) snd_hda_codec_generic snd_hda_intel bluetooth rfkill qemu_fw_cfg ip_tables "
      "x_tables autofs4 [last unloaded: foo]",
      "CPU: 3 UID: 0 PID: 1203 Comm: cat Tainted: G           OE      7.0.0-rc3 #1",
      "Hardware name: QEMU",
      "RIP: 0010:foo_go+0x10/0x20 [foo]",
      "Code: 0f 1f 44 00 00 48 8b 05 aa bb cc dd 48 85 c0 74 0a <0f> 0b 40 08 c3 cc cc cc cc 31 c0 c3",
      "RSP: 0018:ffffb0d2c0a5be28 EFLAGS: 00010246",
      "RAX: 0000000000000000 RBX: ffff9d1c41f3a000 RCX: 0000000000000000",
      "CR2: 0000000000000008 CR3: 0000000104a5e000 CR4: 00000000000006e0",
      "Call Trace:",
      " <TASK>",
      " foo_go+0x1c/0x40 [foo]",
      " vfs_read+0x9f/0x170",
      " ksys_read+0x5f/0xe0",
      " do_syscall_64+0x5b/0x80",
      " entry_SYSCALL_64_after_hwframe+0x63/0xcd",
      "RIP: 0033:0x7f3b1c6ee19d",
      "Code: 31 c0 e9 c6 fe ff ff 50 48 8d 3d 66 54 0a 00 e8 49 ff 01 00 <48> 3d 00 f0 ff ff",
      "RSP: 002b:00007ffd7d1b2f18 EFLAGS: 00000246 ORIG_RAX: 0000000000000000",
      "RAX: ffffffffffffffda RBX: 0000000000020000 RCX: 00007f3b1c6ee19d",
      " </TASK>",
      "Modules linked in: foo(OE) snd_hda_codec_generic snd_hda_intel bluetooth rfkill qemu_fw_cfg ip_tables "
      "x_tables autofs4 [last unloaded: foo]",
      "CR2: 0000000000000008",
      "---[ end trace 0000000000000000 ]---"}},
    {"KASAN: slab-use-after-free in foo_read",
     {"==================================================================",
      "BUG: KASAN: slab-use-after-free in foo_read+0x8c/0xb0 [foo]",
      "Read of size 8 at addr ffff88810b3c4a08 by task cat/1203",
      "CPU: 3 UID: 0 PID: 1203 Comm: cat Tainted: G           OE      6.12.0 #1",
      "Hardware name: QEMU Standard PC (i440FX + PIIX, 1996)",
      "Call Trace:",
      " <TASK>",
      " dump_stack_lvl+0x5d/0x80",
      " print_report+0x174/0x505",
      " kasan_report+0xac/0xe0",
      " foo_read+0x8c/0xb0 [foo]",
      " vfs_read+0x1a5/0x9b0",
      " ksys_read+0xf5/0x1d0",
      " do_syscall_64+0x82/0x190",
      " entry_SYSCALL_64_after_hwframe+0x76/0x7e",
      "RIP: 0033:0x7f3b1c6ee19d",
      " </TASK>",
      "Allocated by task 1200:",
      " foo_open+0x2b/0x60 [foo]",
      " chrdev_open+0x1a1/0x580",
      "Freed by task 1202:",
      " kfree+0x10a/0x2c0",
      " foo_release+0x1f/0x40 [foo]",
      " __fput+0x2f5/0x9c0",
      "The buggy address belongs to the object at ffff88810b3c4a00",
      "The buggy address belongs to the physical page:",
      "Memory state around the buggy address:",
      ">ffff88810b3c4a00: fa fb fb fb fb fb fb fb fc fc fc fc fc fc fc fc",
      "=================================================================="}},
    {"WARNING: possible circular locking dependency detected in foo_both",
     {"======================================================",
      "WARNING: possible circular locking dependency detected",
      "6.12.0 #1 Tainted: G           OE     ",
      "cat/1203 is trying to acquire lock:",
      "ffffffffc0a02080 (&foo_a){+.+.}-{3:3}, at: foo_both+0x20/0x60 [foo]",
      "but task is already holding lock:",
      "ffffffffc0a02120 (&foo_b){+.+.}-{3:3}, at: foo_both+0x10/0x60 [foo]",
      "which lock already depends on the new lock.",
      "the existing dependency chain (in reverse order) is:",
      "-> #1 (&foo_b){+.+.}-{3:3}:",
      "       __mutex_lock+0x9e/0xdb0",
      "       foo_one+0x2b/0x50 [foo]",
      "-> #0 (&foo_a){+.+.}-{3:3}:",
      "       __mutex_lock+0x9e/0xdb0",
      "       foo_both+0x20/0x60 [foo]",
      "other info that might help us debug this:",
      " Possible unsafe locking scenario:",
      "  lock(&foo_b);",
      "                               lock(&foo_a);",
      "  *** DEADLOCK ***",
      "1 lock held by cat/1203:",
      " #0: ffffffffc0a02120 (&foo_b){+.+.}-{3:3}, at: foo_both+0x10/0x60 [foo]",
      "stack backtrace:",
      "CPU: 3 UID: 0 PID: 1203 Comm: cat Tainted: G           OE      6.12.0 #1",
      "Call Trace:",
      " <TASK>",
      " dump_stack_lvl+0x5d/0x80",
      " print_circular_bug+0x178/0x1f0",
      " foo_both+0x20/0x60 [foo]",
      " </TASK>"}},
    {"INFO: task hung in foo_work",
     {"INFO: task foo_worker:1203 blocked for more than 120 seconds.",
      "      Tainted: G           OE      6.1.0-47-amd64 #1 Debian 6.1.170-1",
      R"("echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.)",
      "task:foo_worker      state:D stack:0     pid:1203  ppid:2      flags:0x00004000", "Call Trace:",
      " <TASK>", " __schedule+0x34d/0x9e0", " schedule+0x5a/0xd0", " schedule_preempt_disabled+0x11/0x20",
      " __mutex_lock.constprop.0+0x3a1/0x730", " foo_work+0x2a/0x60 [foo]", " process_one_work+0x1c4/0x380",
      " worker_thread+0x4d/0x380", " kthread+0xda/0x100", " ret_from_fork+0x1f/0x30", " </TASK>"}},
    {"irq: nobody cared",
     {R"(irq 19: nobody cared (try booting with the "irqpoll" option))",
      "CPU: 0 PID: 0 Comm: swapper/0 Tainted: G           OE      6.1.0 #1", "Hardware name: QEMU",
      "Call Trace:", " <IRQ>", " dump_stack_lvl+0x44/0x5c", " __report_bad_irq+0x35/0xa7",
      " note_interrupt.cold+0xb/0x61", " handle_irq_event+0x6e/0x80", " handle_fasteoi_irq+0x78/0x1c0",
      " </IRQ>", "handlers:", "[<00000000a1b2c3d4>] foo_irq [foo]", "Disabling IRQ #19"}},
    {"memory leak in foo_init",
     {"unreferenced object 0xffff88810b3c4a00 (size 64):", R"(  comm "insmod", pid 1203, jiffies 4294952345)",
      "  hex dump (first 32 bytes):", "    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................",
      "  backtrace (crc 1a2b3c4d):", "    [<ffffffff813a1b2c>] __kmalloc_cache_noprof+0x2a1/0x340",
      "    [<ffffffffc0a01010>] foo_init+0x10/0x1000 [foo]",
      "    [<ffffffff81001a2b>] do_one_initcall+0x5b/0x2f0"}},
};

using Dress = std::function<std::string(const std::string& text, int line)>;

std::string six(int number) {
  const std::string digits = std::to_string(100000 + number);
  return digits;
}

std::string stamp(int line) { return "[ 4512." + six(line) + "] "; }

std::string dressed(const Invented& report, const Dress& dress) {
  std::string log;
  for (std::size_t i = 0; i < report.lines.size(); ++i)
    log += dress(report.lines[i], static_cast<int>(i)) + "\n";
  return log;
}

std::vector<Finding> scan_log(const std::string& log) {
  LogScanner scanner;
  scanner.feed(log);
  return scanner.finish();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string escaped(const std::string& text) { return replaced(replaced(text, "\\", "\\\\"), "\"", "\\\""); }

std::string html(const std::string& text) {
  return replaced(replaced(replaced(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;");
}

// As a mail program breaks lines, at the last blank in front of column 72.
std::string wrapped(std::string text) {
  std::string out;
  while (text.size() > 72) {
    const std::size_t blank = text.rfind(' ', 72);
    if (blank == std::string::npos || blank < 20) break;
    out += text.substr(0, blank) + "\n";
    text.erase(0, blank + 1);
  }
  return out + text;
}

const std::vector<Dress> forms{
    [](auto& t, int i) { return stamp(i) + t; },
    [](auto& t, int i) { return stamp(i) + t + "\r\r"; },
    [](auto& t, int i) { return "<4>" + stamp(i) + "[ T1203] " + t; },
    [](auto& t, int i) { return "\x1b[32m" + stamp(i) + "\x1b[0m\x1b[1m" + t + "\x1b[0m"; },
    [](auto& t, int) { return "Mon 2025-11-03 14:00:00 CET myhost kernel: " + t; },
    [](auto& t, int i) { return stamp(i) + "myhost kernel: " + t; },
    [](auto& t, int i) { return "Nov  3 14:00:00 myhost kern.warn kernel: " + stamp(i) + t; },
    [](auto& t, int) { return "Nov 03 14:00:00 myhost kernel[0]: " + t; },
    [](auto& t, int i) { return "[ 4512." + six(i) + " <    0.000317>] " + t; },
    [](auto& t, int) { return "kern  :alert : [Mon Nov  3 14:00:00 2025] " + t; },
    [](auto& t, int i) { return "6.12.0,4,20" + six(i) + ",4512" + six(i) + ",-,caller=T1203;" + t; },
    [](auto& t, int i) { return "10.0.0.5:6665 " + stamp(i) + t; },
    [](auto& t, int i) { return "node-debug-x7f2a debugger " + stamp(i) + t; },
    [](auto& t, int i) { return "test (6.12)\tRun tests\t2025-11-03T14:00:00.1234567Z " + stamp(i) + t; },
    [](auto& t, int i) { return "2025-11-03T14:00:00." + six(i) + "Z 01O " + stamp(i) + t; },
    [](auto& t, int i) { return "2025-11-03 14:00:00,123 INFO  console: " + stamp(i) + t; },
    [](auto& t, int) { return "[2025-11-03 14:00:00] " + t; },
    [](auto& t, int) { return "11-03 14:00:00.123     0     0 W         : " + t; },
    [](auto& t, int i) { return stamp(i) + " [3:            cat: 1203] " + t; },
    [](auto& t, int i) { return "[ 4512." + six(i) + "|C3] " + t; },
    [](auto& t, int) { return "> > " + t; },
    [](auto& t, int) { return "+" + t; },
    [](auto& t, int) { return " * " + t; },
    [](auto& t, int i) { return "var/log/kern.log:" + std::to_string(i) + ":" + stamp(i) + t; },
    [](auto& t, int i) {
      return "<tr><td>" + std::to_string(i) + "</td><td>" + html(stamp(i) + t) + "</td></tr>";
    },
    [](auto& t, int i) { return replaced(stamp(i) + t, "  ", "\xc2\xa0 "); },
    [](auto& t, int i) { return wrapped(stamp(i) + t); },
    [](auto& t, int) {
      return R"(data: {"MESSAGE":")" + escaped(t) +
             R"(","_TRANSPORT":"kernel","SYSLOG_IDENTIFIER":"kernel"})" + "\n";
    },
    [](auto& t, int i) {
      return R"(- {"dt": "2025-11-03T14:00:00", "lvl": "target", "msg": ")" + escaped(stamp(i) + t) + "\"}";
    },
    [](auto& t, int i) {
      return (i == 0 ? "ok: [vm] => {\n    \"out.stdout_lines\": [\n" : "") +
             ("        \"" + escaped(stamp(i) + t)) + "\",";
    }};

const std::vector<Dress> quotes{
    [](auto& t, int) { return "\t\"" + escaped(t) + "\","; },
    [](auto& t, int i) { return "    \"" + escaped(stamp(i) + t) + "\\n\""; },
    [](auto& t, int i) { return "+\t\"" + escaped(stamp(i) + t) + "\\n\""; },
    [](auto& t, int) { return "\tpr_alert(\"" + escaped(t) + "\\n\");"; },
    [](auto& t, int i) { return "  check(parse(\"" + escaped(stamp(i) + t) + "\"));"; },
    [](auto& t, int) { return "    '" + t + "',"; },
    [](auto& t, int) { return "grep -F '" + t + "' /var/log/kern.log"; },
    [](auto& t, int) { return "logger -p kern.crit \"" + escaped(t) + "\""; },
    [](auto& t, int i) { return "Nov 03 14:00:00 myhost app[77]: " + stamp(i) + t; },
    [](auto& t, int i) { return "Nov 03 14:00:00 myhost app: " + stamp(i) + t; },
    [](auto& t, int i) { return "Mon 2025-11-03 14:00:00 CET myhost app[77]: " + stamp(i) + t; },
    [](auto& t, int i) { return stamp(i) + "myhost app[77]: " + stamp(i) + t; },
    [](auto& t, int i) { return "<13>1 2025-11-03T14:00:00.123456+01:00 myhost app 77 - - " + stamp(i) + t; },
    [](auto& t, int i) {
      return R"({"SYSLOG_IDENTIFIER":"app","_TRANSPORT":"stdout","MESSAGE":")" + escaped(stamp(i) + t) +
             "\"}";
    },
    [](auto& t, int i) { return "__CURSOR=s=1\n_TRANSPORT=stdout\nMESSAGE=" + stamp(i) + t + "\n"; },
    [](auto& t, int i) { return stamp(i) + "foo 0000:00:03.0: " + t; },
    [](auto& t, int i) { return stamp(i) + "audit: type=1130 msg='" + t + "'"; }};

}  // namespace

TEST_CASE("invented reports are found once in every form") {
  for (const Invented& report : reports) {
    for (std::size_t number = 0; number < forms.size(); ++number) {
      const std::string log = "random: crng init done\n" + dressed(report, forms[number]);
      const auto found = scan_log(log);
      INFO("form " << number << "\n" << log);
      REQUIRE(found.size() == 1);
      CHECK(found[0].title == report.title);
      CHECK(found[0].module == "foo");
      CHECK(found[0].confirmed);
    }
  }
}

TEST_CASE("invented reports are none when others say, write or look for them") {
  for (const Invented& report : reports) {
    for (std::size_t number = 0; number < quotes.size(); ++number) {
      INFO("quote " << number << "\n" << dressed(report, quotes[number]));
      CHECK(scan_log(dressed(report, quotes[number])).empty());
    }
  }
}

TEST_CASE("headers alone in lists, patterns and formats are no crashes") {
  for (const char* text :
       {"  - BUG: kernel NULL pointer dereference in foo\n  - kernel BUG at mm/slub.c:40!\n  - Kernel panic "
        "- not "
        "syncing: x\n  - WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2\n  - INFO: task a:1 blocked for more\n"
        "  - general protection fault: 0000 [#1] SMP in f\n",
        "Kernel panic - not syncing: %s\n---[ end Kernel panic - not syncing: %s ]---\n",
        "INFO: task %s:%d blocked for more than %ld seconds.\n",
        "BUG: unable to handle page fault for address: %px\n",
        "Nov 03 14:00:00 myhost app[77]: general protection fault: 0000 [#1] SMP\n",
        "    r\"^BUG: unable to handle\",\n    r\"Kernel panic - not syncing: (.*)\",\n    r\"kernel BUG at "
        "(\\S+):(\\d+)!\",\n    r\"INFO: task (\\S+):(\\d+) blocked\",\n"}) {
    INFO(text);
    CHECK(scan_log(text).empty());
  }
}

TEST_CASE("a panic whose reason looks like a format is one when a report follows") {
  const auto found = scan_log(
      "Kernel panic - not syncing: %s\nCPU: 3 PID: 1203 Comm: insmod Tainted: G 6.1.0 #1\nCall Trace:\n "
      "panic+0x1/0x2\n"
      " foo_init+0x1/0x2 [foo]\n---[ end Kernel panic - not syncing: %s ]---\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Kind::panic);
  CHECK(found[0].confirmed);
}
