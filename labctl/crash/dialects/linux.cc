// The dialect of Linux kernels: headers of reports, lines in front of them, lines of their bodies. Written
// after what the kernel's sources print, for all series from 3.x on; most is about x86, the rest covers what
// other processors call the same things.
#include <array>

#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {
namespace {

#define SYMBOL "[^\\s+/()]+"
#define FUNCTION "(?P<func>" SYMBOL ")(?:\\+0x|\\(\\)|$|\\s)"
#define OLD_WARNING "WARNING: CPU: \\d+ PID: \\d+ at "
#define PLACE "(?P<func>[^\\s+/(),]+)"
#define NEW_WARNING(FILE) "WARNING: (?:\\[.{1,200}\\] )?" FILE ":\\d+ at (?:0x0\\b|" PLACE ").*CPU#\\d+: "
// Another processor's message stands where the end of the line should be.
#define TORN_WARNING "WARNING: (?:\\[.{1,200}\\] )?[^\\s:]+\\.[chrs]+:\\d+ at " PLACE "\\+0x"
// Traps that die() names and that stand alone, and those that may follow a header which says more.
#define LONE_TRAPS                                                                                    \
  "(?:segment-related )?general protection fault|divide[ _]error|stack segment|int3|alignment check|" \
  "bounds|overflow|coprocessor segment overrun|coprocessor error|invalid TSS|segment not present|"    \
  "device not available|simd exception|SIMD exception|fpu exception|Bad pagetable|iret exception|"    \
  "machine check|debug|unexpected machine check"
#define TRAPS                                                                              \
  "invalid opcode|stack guard page|double fault|kernel stack overflow \\(double-fault\\)|" \
  "control protection fault|page fault"

constexpr unsigned dies = bit(Group::die);
constexpr Severity warning = Severity::warning;

constexpr std::array rules{
    // Faults: the line that says what was touched; "Oops: ... [#1]" follows.
    Rule{"BUG: kernel NULL pointer", "BUG: kernel NULL pointer dereference",
         "BUG: kernel NULL pointer dereference", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"BUG: Kernel NULL pointer", "BUG: Kernel NULL pointer dereference",
         "BUG: kernel NULL pointer dereference", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"BUG: unable to handle kernel NULL", "BUG: unable to handle kernel NULL pointer",
         "BUG: kernel NULL pointer dereference", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"BUG: unable to handle ", "BUG: unable to handle (?:kernel|page fault)",
         "BUG: unable to handle page fault", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"BUG: Unable to handle ", "BUG: Unable to handle kernel", "BUG: unable to handle page fault",
         Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"Unable to handle kernel NULL", "Unable to handle kernel NULL pointer dereference",
         "BUG: kernel NULL pointer dereference", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"Unable to handle kernel ",
         "Unable to handle kernel (?:paging|access|read|write|execute|pointer|instr)",
         "BUG: unable to handle page fault", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"CPU ", "CPU \\d+ Unable to handle kernel paging request", "BUG: unable to handle page fault",
         Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"Unhandled fault: ", "Unhandled fault: .*\\(0x[0-9a-f]+\\) at 0x", "Unhandled fault", Kind::oops,
         Severity::fatal, Group::fault, dies},
    Rule{"Alignment trap: not ", "Alignment trap: not handling instruction", "Alignment trap", Kind::oops,
         Severity::fatal, Group::fault, dies | bit(Group::fault)},
    Rule{"BUG: ", "BUG: (?:[A-Z]+ )?stack guard page was hit at ", "BUG: stack guard page was hit",
         Kind::oops, Severity::fatal, Group::fault, dies, by_operation},
    Rule{"Insufficient stack space", "Insufficient stack space to handle exception!", "kernel stack overflow",
         Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"traps: PANIC: ", "traps: PANIC: double fault", "double fault", Kind::oops, Severity::fatal,
         Group::fault, dies},
    Rule{"PANIC: ", "PANIC: double fault", "double fault", Kind::oops, Severity::fatal, Group::fault, dies},
    Rule{"CFI failure at ", "CFI failure at " FUNCTION, "CFI failure", Kind::oops, Severity::fatal,
         Group::fault, dies},
    Rule{"Missing ENDBR: ", "Missing ENDBR: " FUNCTION, "control protection fault", Kind::oops,
         Severity::fatal, Group::fault, dies | bit(Group::bug)},

    // BUG() and its relatives.
    Rule{"kernel BUG at lib/list_debug.c", "kernel BUG at lib/list_debug\\.c:\\d+", "BUG: corrupted list",
         Kind::bug, Severity::fatal, Group::bug, dies},
    Rule{"kernel BUG at mm/usercopy.c", "kernel BUG at mm/usercopy\\.c:\\d+", "BUG: bad usercopy",
         Kind::memory_safety, Severity::fatal, Group::bug, dies},
    Rule{"kernel BUG at ", "kernel BUG at \\S+:\\d+", "kernel BUG", Kind::bug, Severity::fatal, Group::bug,
         dies},
    Rule{"kernel BUG at ", "kernel BUG at \\S{6}", "kernel BUG", Kind::bug, Severity::fatal, Group::bug, dies,
         needs_body},
    Rule{"Kernel BUG at ", "Kernel BUG at ", "kernel BUG", Kind::bug, Severity::fatal, Group::bug, dies},
    Rule{"BUG: failure at ", "BUG: failure at [^/\\s]\\S*:\\d+/(?P<func>\\w+)\\(\\)!", "kernel BUG",
         Kind::bug, Severity::fatal, Group::bug, dies | bit(Group::panic)},

    // die(): the numbered line, when nothing in front of it said more.
    Rule{"Oops: ", "Oops: (?P<what>" TRAPS ")\\b.*\\[#\\d+\\]", "", Kind::oops, Severity::fatal, Group::die},
    Rule{"Oops: ", "Oops: (?P<what>" LONE_TRAPS ")\\b.*\\[#\\d+\\]", "", Kind::oops},
    Rule{"Oops", "Oops(?: - [^:\\[]*)?(?:: [^\\[]*)? ?\\[#\\d+\\]", "Oops", Kind::oops, Severity::fatal,
         Group::die},
    Rule{"Internal error: ", "Internal error: .*\\[#\\d+\\]", "Internal error", Kind::oops, Severity::fatal,
         Group::die},
    Rule{"Kernel BUG [#", "Kernel BUG \\[#\\d+\\]", "kernel BUG", Kind::bug, Severity::fatal, Group::die},
    // At the front, or glued to a line whose newline is missing ("... memory accessgeneral protection
    // fault").
    Rule{"", "(?:^|[a-z])(?P<what>" TRAPS ")\\b[^\\[]*: [0-9a-f]{4,16} \\[#\\d+\\]", "", Kind::oops,
         Severity::fatal, Group::die},
    Rule{"", "(?:^|[a-z])(?P<what>" LONE_TRAPS ")\\b[^\\[]*: [0-9a-f]{4,16} \\[#\\d+\\]", "", Kind::oops},

    // The same, cut short before the number.
    Rule{"Oops: ", "Oops: (?:Oops: )?[0-9a-f]{4}(?: |$)", "Oops", Kind::oops, Severity::fatal, Group::die, 0,
         needs_body},
    Rule{"general protection fault",
         "(?P<what>general protection fault)(?:: [0-9a-f]{0,4} ?|, (?:probably|maybe) for [^\\[]*)?$", "",
         Kind::oops, Severity::fatal, Group::fault, dies, needs_body},
    Rule{"invalid opcode: ", "(?P<what>invalid opcode): [0-9a-f]{4}[^\\[]*$", "", Kind::oops, Severity::fatal,
         Group::die, 0, needs_body},
    Rule{"divide error: ", "(?P<what>divide error): [0-9a-f]{4}[^\\[]*$", "", Kind::oops, Severity::fatal,
         Group::die, 0, needs_body},

    // Panics. Those that come because something died before are sorted out by consequence_pattern.
    Rule{"Kernel panic - not syncing: VFS",
         "Kernel panic - not syncing: (?P<what>VFS: Unable to mount root fs)", "kernel panic",
         Kind::boot_failure, Severity::fatal, Group::panic, 0, no_function | panic_line},
    Rule{"Kernel panic - not syncing: No ",
         "Kernel panic - not syncing: (?P<what>No (?:working )?init found)", "kernel panic",
         Kind::boot_failure, Severity::fatal, Group::panic, 0, no_function | panic_line},
    Rule{"Kernel panic - not syncing: Requested", "Kernel panic - not syncing: (?P<what>Requested init)",
         "kernel panic", Kind::boot_failure, Severity::fatal, Group::panic, 0, no_function | panic_line},
    Rule{"Kernel panic - not syncing: stack-protector",
         "Kernel panic - not syncing: stack-protector: Kernel stack is corrupted(?: in: " FUNCTION ")?",
         "kernel panic: stack is corrupted", Kind::panic, Severity::fatal, Group::panic, 0, panic_line},
    Rule{"Kernel panic - not syncing: corrupted", "Kernel panic - not syncing: corrupted stack end detected",
         "kernel panic: corrupted stack end", Kind::panic, Severity::fatal, Group::panic, 0,
         panic_line | by_operation},
    Rule{"Kernel panic - not syncing", "Kernel panic - not syncing:? ?(?P<what>.*)", "kernel panic",
         Kind::panic, Severity::fatal, Group::panic, 0, no_function | panic_line},
    Rule{"Kernel panic: ", "Kernel panic: (?P<what>.*)", "kernel panic", Kind::panic, Severity::fatal,
         Group::panic, 0, no_function | panic_line},
    Rule{"---[ end Kernel panic",
         "---\\[ end Kernel panic - not syncing: (?P<what>VFS: Unable to mount root fs|No (?:working )?init "
         "found|"
         "Requested init)",
         "kernel panic", Kind::boot_failure, Severity::fatal, Group::panic, 0,
         no_function | panic_line | panic_end},
    Rule{"---[ end Kernel panic", "---\\[ end Kernel panic - not syncing:? ?(?P<what>.*?)(?: \\]---)?\\s*$",
         "kernel panic", Kind::panic, Severity::fatal, Group::panic, 0, no_function | panic_line | panic_end},

    // Lockups, stalls, hung tasks: found by watchdogs, so the header comes seconds after the fact.
    Rule{"watchdog: BUG: soft", "watchdog: BUG: soft lockup - CPU#\\d+ stuck", "BUG: soft lockup",
         Kind::lockup},
    Rule{"NMI watchdog: BUG: soft", "NMI watchdog: BUG: soft lockup - CPU#\\d+ stuck", "BUG: soft lockup",
         Kind::lockup},
    Rule{"BUG: soft lockup", "BUG: soft lockup - CPU#\\d+ stuck", "BUG: soft lockup", Kind::lockup},
    Rule{"watchdog: ", "watchdog: (?:CPU\\d+: )?Watchdog detected hard LOCKUP on cpu \\d+",
         "BUG: hard lockup", Kind::lockup},
    Rule{"NMI watchdog: ", "NMI watchdog: Watchdog detected hard LOCKUP on cpu \\d+", "BUG: hard lockup",
         Kind::lockup},
    Rule{"watchdog: CPU ",
         "watchdog: CPU \\d+ (?:self-detected hard LOCKUP(?: @ " FUNCTION
         ")?|detected hard LOCKUP on other CPUs)",
         "BUG: hard lockup", Kind::lockup},
    Rule{"BUG: spinlock lockup", "BUG: spinlock lockup suspected on CPU#\\d+", "BUG: spinlock lockup",
         Kind::lockup},
    Rule{"Watchdog detected hard", "Watchdog detected hard LOCKUP on cpu \\d+", "BUG: hard lockup",
         Kind::lockup, Severity::fatal, Group::stall, 0, needs_body},
    Rule{"rcu: INFO: rcu", "rcu: INFO: rcu\\w* (?:self-)?detected (?:expedited )?stalls? on",
         "INFO: rcu detected stall", Kind::stall, Severity::fatal, Group::stall, bit(Group::stall)},
    Rule{"INFO: rcu", "INFO: rcu\\w* (?:self-)?detected (?:expedited )?stalls? on",
         "INFO: rcu detected stall", Kind::stall, Severity::fatal, Group::stall, bit(Group::stall)},
    Rule{"BUG: workqueue lockup", "BUG: workqueue lockup - pool", "BUG: workqueue lockup", Kind::stall,
         Severity::fatal, Group::other, 0, no_function},
    Rule{"INFO: task ", "INFO: task .+:-?\\d+ blocked (?:in I/O wait )?for more than", "INFO: task hung",
         Kind::hung_task},
    Rule{"INFO: task ", "INFO: task .+:-?\\d+ can't die for more than", "INFO: task can't die",
         Kind::hung_task},
    // A task may have any bytes in its name, also a newline.
    Rule{"INFO: task ", "INFO: task [^ ]*[\\x80-\\xff][^ ]*$", "INFO: task hung", Kind::hung_task},
    Rule{"unregister_netdevice: ", "unregister_netdevice: waiting for \\S+ to become free\\. Usage count = ",
         "unregister_netdevice: waiting for a device to become free", Kind::hung_task, Severity::fatal,
         Group::other, 0, no_function | instant | must_repeat},
    // Solaris' porting layer, which ZFS brings along.
    Rule{"PANIC at ", "PANIC at \\S+:\\d+:(?P<func>\\w+)\\(\\)", "SPL panic", Kind::bug, Severity::fatal,
         Group::bug},

    // Memory: sanitizers, the allocators' own checks, pages in states that must not be.
    Rule{"BUG: KASAN: ", "BUG: KASAN: (?P<what>[\\w-]+) in " FUNCTION, "KASAN: ", Kind::memory_safety,
         Severity::fatal, Group::memory},
    Rule{"BUG: KASAN: ", "BUG: KASAN: (?P<what>[\\w-]+)", "KASAN: ", Kind::memory_safety, Severity::fatal,
         Group::memory},
    Rule{"BUG: KFENCE: ", "BUG: KFENCE: (?P<what>[\\w -]+?) in " FUNCTION, "KFENCE: ", Kind::memory_safety,
         Severity::fatal, Group::memory},
    Rule{"BUG: KFENCE: ", "BUG: KFENCE: (?P<what>[a-z -]+)", "KFENCE: ", Kind::memory_safety, Severity::fatal,
         Group::memory},
    Rule{"BUG: KMSAN: ", "BUG: KMSAN: (?P<what>[\\w-]+)(?: in " FUNCTION ")?", "KMSAN: ", Kind::memory_safety,
         Severity::fatal, Group::memory},
    Rule{"BUG: KCSAN: ", "BUG: KCSAN: (?P<what>[\\w-]+(?:: \\w+)?)(?: in " FUNCTION ")?",
         "KCSAN: ", Kind::memory_safety, warning, Group::memory},
    Rule{"UBSAN: ",
         "UBSAN: (?P<what>array-index-out-of-bounds|object-size-mismatch|null-ptr-deref|misaligned-access)"
         " in \\S+:\\d+",
         "UBSAN: ", Kind::memory_safety, Severity::fatal, Group::memory},
    Rule{"UBSAN: ", "UBSAN: (?P<what>[\\w-]+(?: behaviour)?) in \\S+:\\d+", "UBSAN: ", Kind::memory_safety,
         warning, Group::memory},
    Rule{"BUG: Bad page state", "BUG: Bad page state in process", "BUG: Bad page state", Kind::memory_safety},
    Rule{"BUG: Bad page map", "BUG: Bad page map in process", "BUG: Bad page map", Kind::memory_safety},
    Rule{"BUG: Bad page cache", "BUG: Bad page cache in process", "BUG: Bad page cache", Kind::memory_safety},
    Rule{"BUG: Bad rss-counter", "BUG: Bad rss-counter state mm:", "BUG: Bad rss-counter state",
         Kind::memory_safety, Severity::fatal, Group::other, 0, no_function},
    Rule{"BUG: non-zero pgtables", "BUG: non-zero pgtables_bytes on freeing mm",
         "BUG: non-zero pgtables on freeing mm", Kind::memory_safety, Severity::fatal, Group::other, 0,
         no_function},
    Rule{"BUG: memory leak", "BUG: memory leak\\s*$", "memory leak", Kind::memory_safety, warning,
         Group::memory, bit(Group::detail)},
    Rule{"BUG ", "BUG \\S+ \\((?:Not tainted|Tainted: [^)]*)\\): (?P<what>.*)",
         "BUG: slab: ", Kind::memory_safety, Severity::fatal, Group::memory, bit(Group::detail), no_function},
    Rule{"unreferenced object 0x", "unreferenced object 0x[0-9a-f]+ \\(size \\d+\\):", "memory leak",
         Kind::memory_safety, warning, Group::detail, bit(Group::detail)},
    Rule{"INFO: ", "INFO: (?:Allocated|Freed) in " FUNCTION ".*age=\\d+ cpu=\\d+ pid=",
         "BUG: slab corruption", Kind::memory_safety, Severity::fatal, Group::detail, bit(Group::detail)},
    Rule{"VFS: Busy inodes", "VFS: Busy inodes after unmount of \\S+", "VFS: Busy inodes after unmount",
         Kind::memory_safety, Severity::fatal, Group::other, 0, no_function | instant},
    Rule{"VFS: Close: file count", "VFS: Close: file count is 0", "VFS: Close: file count is 0",
         Kind::memory_safety, Severity::fatal, Group::other, 0, no_function | instant},

    // Locks and contexts.
    Rule{"WARNING: ",
         "WARNING: (?P<what>possible [\\w ]+ detected|inconsistent lock state|bad unlock balance "
         "detected|bad contention detected|held lock freed|[Nn]ested lock was not taken|suspicious RCU "
         "usage|lock held "
         "when returning to user space|[\\w-]+-safe -> [\\w-]+-unsafe lock order detected|Invalid wait "
         "context)",
         "WARNING: ", Kind::lock, Severity::fatal, Group::other, 0, last_trace},
    Rule{"WARNING: ", "WARNING: \\S+/\\d+ (?P<what>still has locks held)", "WARNING: ", Kind::lock,
         Severity::fatal, Group::other, 0, last_trace},
    Rule{"[ INFO: ",
         "\\[ INFO: (?P<what>possible [\\w ]+ detected|inconsistent lock state|suspicious \\w+ usage|"
         "[\\w-]+-safe -> [\\w-]+-unsafe lock order detected)",
         "WARNING: ", Kind::lock, Severity::fatal, Group::other, 0, last_trace},
    Rule{"[ BUG: ",
         "\\[ BUG: (?:\\S+/\\d+ )?(?P<what>bad unlock balance detected|bad contention detected|held lock "
         "freed|still has locks held|lock held (?:at task exit time|when returning to user space)|Invalid "
         "wait context|"
         "Nested lock was not taken)",
         "WARNING: ", Kind::lock, Severity::fatal, Group::other, 0, last_trace},
    Rule{"INFO: suspicious", "INFO: suspicious RCU usage", "WARNING: suspicious RCU usage", Kind::lock,
         Severity::fatal, Group::other, 0, last_trace},
    Rule{"INFO: trying to register", "INFO: trying to register non-static key",
         "INFO: trying to register non-static key", Kind::lock},
    Rule{"BUG: scheduling while", "BUG: scheduling while atomic: ", "BUG: scheduling while atomic",
         Kind::lock},
    Rule{"BUG: sleeping function", "BUG: sleeping function called from invalid context at",
         "BUG: sleeping function called from invalid context", Kind::lock},
    Rule{"BUG: using ", "BUG: using \\w+\\(\\) in preemptible", "BUG: per-CPU data used in preemptible code",
         Kind::lock},
    Rule{"BUG: ", "BUG: (?P<what>(?:spinlock|rwlock) [a-z ]+) on CPU#\\d+", "BUG: ", Kind::lock},
    Rule{"BUG: workqueue leaked", "BUG: workqueue leaked ", "BUG: workqueue leaked lock or atomic",
         Kind::lock},
    Rule{"BUG: MAX_", "BUG: MAX_\\w+ too low!", "BUG: lock checker out of memory", Kind::lock, warning,
         Group::other, 0, no_function},

    // WARN() and what the unwinder complains about. Some of its callers mean that memory or a lock is already
    // wrong. New kernels tell the place first and the processor last.
    Rule{"WARNING: CPU: ", OLD_WARNING "lib/refcount\\.c:\\d+(?: " FUNCTION ")?", "WARNING: refcount bug",
         Kind::memory_safety},
    Rule{"WARNING: ", NEW_WARNING("lib/refcount\\.c"), "WARNING: refcount bug", Kind::memory_safety},
    Rule{"WARNING: CPU: ", OLD_WARNING "lib/list_debug\\.c:\\d+(?: " FUNCTION ")?", "BUG: corrupted list",
         Kind::bug},
    Rule{"WARNING: ", NEW_WARNING("lib/list_debug\\.c"), "BUG: corrupted list", Kind::bug},
    Rule{"WARNING: CPU: ", OLD_WARNING "kernel/locking/lockdep\\.c:\\d+(?: " FUNCTION ")?",
         "WARNING: locking bug", Kind::lock},
    Rule{"WARNING: ", NEW_WARNING("kernel/locking/lockdep\\.c"), "WARNING: locking bug", Kind::lock},
    Rule{"WARNING: CPU: ", OLD_WARNING "\\S+:\\d+(?: " FUNCTION ")?", "WARNING", Kind::warning, warning,
         Group::warning, bit(Group::complaint)},
    Rule{"WARNING: CPU: ", OLD_WARNING, "WARNING", Kind::warning, warning, Group::warning,
         bit(Group::complaint)},
    Rule{"WARNING: ", NEW_WARNING("\\S+"), "WARNING", Kind::warning, warning, Group::warning,
         bit(Group::complaint)},
    Rule{"WARNING: ", TORN_WARNING, "WARNING", Kind::warning, warning, Group::other, 0, needs_body},
    Rule{"WARNING: at kernel/watchdog.c", "WARNING: at kernel/watchdog\\.c:\\d+", "BUG: hard lockup",
         Kind::lockup, Severity::fatal, Group::stall, bit(Group::stall)},
    Rule{"WARNING: at ", "WARNING: at \\S+:\\d+ " FUNCTION, "WARNING", Kind::warning, warning, Group::warning,
         bit(Group::complaint)},
    Rule{"WARNING: at ", "WARNING: at \\S+:\\d+\\s*$", "WARNING", Kind::warning, warning, Group::other, 0,
         needs_body},
    Rule{"WARNING: kernel stack", "WARNING: kernel stack (?:regs|frame pointer) at ",
         "WARNING: kernel stack is broken", Kind::warning, warning, Group::other, 0, no_function | instant},

    // Whatever else the kernel calls a BUG. Vague, so it takes a body to count.
    Rule{"BUG: ", "BUG: (?P<what>\\S.*)", "BUG: ", Kind::bug, Severity::fatal, Group::generic, 0, needs_body},
};

constexpr Rule lost_header{"CPU: ", "",      "oops (header lost)", Kind::oops, Severity::fatal, Group::other,
                           0,       headless};

constexpr std::array preludes{
    Prelude{"------------[ cut here ]------------", "", Kind::other},
    Prelude{"8<--- cut here ---", "", Kind::other},
    Prelude{"list_add corruption", "BUG: corrupted list", Kind::bug},
    Prelude{"list_del corruption", "BUG: corrupted list", Kind::bug},
    Prelude{"list_add double add", "BUG: corrupted list", Kind::bug},
    Prelude{"slab_common: list corruption", "BUG: corrupted list", Kind::bug},
    Prelude{"refcount_t: ", "WARNING: refcount bug", Kind::memory_safety},
    Prelude{"ODEBUG: activate ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"ODEBUG: assert_init ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"ODEBUG: deactivate ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"ODEBUG: free ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"ODEBUG: init ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"ODEBUG: object ", "WARNING: ODEBUG bug", Kind::memory_safety},
    Prelude{"VERIFY", "", Kind::other},
    Prelude{"rust_kernel: panicked at ", "Rust panic", Kind::bug},
    Prelude{"usercopy: Kernel memory ", "BUG: bad usercopy", Kind::memory_safety},
    Prelude{"usercopy: kernel memory ", "BUG: bad usercopy", Kind::memory_safety},
    Prelude{"detected buffer overflow in ", "BUG: buffer overflow", Kind::memory_safety},
    Prelude{"DEBUG_LOCKS_WARN_ON(", "WARNING: locking bug", Kind::lock},
    Prelude{"kernel tried to execute NX-protected page", "", Kind::other},
    Prelude{"unable to execute userspace code (SMEP?)", "", Kind::other},
};

constexpr std::array body{
    BodyLine{"CPU: ", "CPU: \\d+ (?:UID: \\d+ )?PID: \\d+ Comm: ", Proof::cpu},
    BodyLine{"CPU: ", "CPU: \\d+ +(?:Not tainted|Tainted: )", Proof::cpu},
    BodyLine{"Pid: ", "Pid: \\d+, comm: ", Proof::cpu},
    BodyLine{"Process ", "Process .{1,32} \\(pid: \\d+, (?:stack limit|threadinfo|veid|ti)", Proof::cpu},
    BodyLine{"Hardware name: ", nullptr, Proof::nothing},
    BodyLine{"Workqueue: ", nullptr, Proof::nothing},
    BodyLine{"Modules linked in:", "Modules linked in:", Proof::modules},
    BodyLine{"Unloaded tainted modules:", nullptr, Proof::nothing},
    BodyLine{"---[ end trace ", "---\\[ end trace (?:[0-9a-f]{16}|\\[?)", Proof::trace_end},
    BodyLine{"---[ end Kernel panic", nullptr, Proof::panic_end},
    BodyLine{"Kernel Offset: ", nullptr, Proof::panic_end},
    BodyLine{"Rebooting in ", "Rebooting in \\d+ seconds\\.\\.", Proof::panic_end},
    BodyLine{"RIP: 0010:", nullptr, Proof::rip},
    BodyLine{"RIP: ", nullptr, Proof::nothing},
    BodyLine{"IP: ", nullptr, Proof::rip},
    BodyLine{"EIP: ", nullptr, Proof::rip},
    BodyLine{"PC is at ", nullptr, Proof::rip},
    BodyLine{"LR is at ", nullptr, Proof::nothing},
    BodyLine{"pc : ", nullptr, Proof::rip},
    BodyLine{"lr : ", nullptr, Proof::nothing},
    BodyLine{"epc : ", nullptr, Proof::rip},
    BodyLine{"NIP [", nullptr, Proof::rip},
    BodyLine{"NIP:", nullptr, Proof::registers},
    BodyLine{"Krnl PSW : ", nullptr, Proof::rip},
    BodyLine{"epc   : ", nullptr, Proof::rip},
    BodyLine{"ERA: ", nullptr, Proof::rip},
    BodyLine{"TPC: ", nullptr, Proof::rip},
    BodyLine{"but task is already holding", nullptr, Proof::special},
    BodyLine{"the existing dependency chain", nullptr, Proof::special},
    BodyLine{"which lock already depends", nullptr, Proof::special},
    BodyLine{"and this task is already holding", nullptr, Proof::special},
    BodyLine{"Possible unsafe locking scenario", nullptr, Proof::special},
    BodyLine{"handlers:", nullptr, Proof::special},
    BodyLine{"Disabling IRQ #", nullptr, Proof::special},
    BodyLine{"Showing stack for process ", nullptr, Proof::special},
    BodyLine{"LR [", nullptr, Proof::nothing},
    BodyLine{"RSP: ", "RSP: 0018:[0-9a-f]{8,16} ", Proof::registers},
    BodyLine{"RAX: ", "RAX: [0-9a-f]{16} RBX: ", Proof::registers},
    BodyLine{"RDX: ", "RDX: [0-9a-f]{16} RSI: ", Proof::registers},
    BodyLine{"CR2: ", "CR2: [0-9a-f]{8,16} CR3: ", Proof::registers},
    BodyLine{"pstate: ", nullptr, Proof::registers},
    BodyLine{"sp : ", nullptr, Proof::nothing},
    BodyLine{"psr: ", nullptr, Proof::nothing},
    BodyLine{"Call Trace:", nullptr, Proof::nothing},
    BodyLine{"Call trace:", nullptr, Proof::nothing},
    BodyLine{"Backtrace:", nullptr, Proof::nothing},
    BodyLine{"Stack:", nullptr, Proof::nothing},
    BodyLine{"Code: ", nullptr, Proof::nothing},
    BodyLine{"#PF: ", nullptr, Proof::registers},
    BodyLine{"PGD ", nullptr, Proof::registers},
    BodyLine{"Mem abort info:", nullptr, Proof::registers},
    BodyLine{"KASAN: ", nullptr, Proof::nothing},
    BodyLine{"<TASK>", nullptr, Proof::nothing},
    BodyLine{"</TASK>", nullptr, Proof::nothing},
    BodyLine{"<IRQ>", nullptr, Proof::nothing},
    BodyLine{"</IRQ>", nullptr, Proof::nothing},
    BodyLine{"irq event stamp: ", nullptr, Proof::special},
    BodyLine{"hardirqs last ", nullptr, Proof::nothing},
    BodyLine{"softirqs last ", nullptr, Proof::nothing},
    BodyLine{"Kernel memory overwrite", nullptr, Proof::special},
    BodyLine{"stack backtrace:", nullptr, Proof::special},
    BodyLine{"other info that might help us debug this:", nullptr, Proof::special},
    BodyLine{"in_atomic(): ", "in_atomic\\(\\): \\d, irqs_disabled\\(\\): \\d", Proof::special},
    BodyLine{"Preemption disabled at:", nullptr, Proof::special},
    BodyLine{"The buggy address belongs", nullptr, Proof::special},
    BodyLine{"Memory state around", nullptr, Proof::special},
    BodyLine{"Allocated by task", nullptr, Proof::nothing},
    BodyLine{"Freed by task", nullptr, Proof::nothing},
    BodyLine{"Read of size ", "Read of size \\d+ at addr ", Proof::special},
    BodyLine{"Write of size ", "Write of size \\d+ at addr ", Proof::special},
    BodyLine{"page: ", "page: ?(?:0x)?[0-9a-f]{8,16} ", Proof::special},
    BodyLine{"page:", "page:(?:0x)?[0-9a-f]{8,16} (?:ref)?count:", Proof::special},
    BodyLine{"page dumped because: ", nullptr, Proof::special},
    BodyLine{"raw: ", nullptr, Proof::nothing},
    BodyLine{"flags: 0x", nullptr, Proof::nothing},
    BodyLine{"kfence-#", nullptr, Proof::special},
    BodyLine{"INFO: Slab 0x", nullptr, Proof::special},
    BodyLine{"INFO: Object 0x", nullptr, Proof::special},
    BodyLine{"Mem-Info:", nullptr, Proof::special},
    BodyLine{"Object ", "Object [0-9a-fx]+: (?:[0-9a-f]{2} ){8}", Proof::special},
    BodyLine{"comm \"", "comm \".*\", pid \\d+, jiffies \\d+", Proof::special},
    BodyLine{"backtrace:", nullptr, Proof::nothing},
    BodyLine{"Not tainted ", nullptr, Proof::special},
    BodyLine{"Tainted: ", nullptr, Proof::special},
    BodyLine{"INFO: task ", "INFO: task .+ is blocked on ", Proof::special},
    BodyLine{"task:", "task:.{1,32} +state:\\S", Proof::special},
    BodyLine{"\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\"", nullptr, Proof::special},
    BodyLine{"Showing busy workqueues", nullptr, Proof::special},
    BodyLine{"Showing all locks held", nullptr, Proof::nothing},
    BodyLine{"workqueue ", "workqueue \\S+: flags=0x", Proof::special},
    BodyLine{"pool ", nullptr, Proof::nothing},
    BodyLine{"Sending NMI from CPU", nullptr, Proof::special},
    BodyLine{"NMI backtrace for cpu", nullptr, Proof::special},
    BodyLine{"Task dump for CPU", nullptr, Proof::special},
    BodyLine{"rcu: \t", nullptr, Proof::special},
    BodyLine{"rcu: ", "rcu: (?:\\d|rcu_|Unless|RCU|Possible|\\s)", Proof::nothing},
    BodyLine{"(detected by ", nullptr, Proof::special},
    BodyLine{"(t=", nullptr, Proof::special},
    BodyLine{"rcu_", "rcu_\\w+ kthread starved for", Proof::special},
    BodyLine{"x", "x\\d{1,2}\\s?: [0-9a-f]{16}", Proof::registers},
    BodyLine{"r", "r\\d{1,2}\\s?: [0-9a-f]{8}", Proof::registers},
    BodyLine{"R1", "R1[0-9]: [0-9a-f]{16} ", Proof::nothing},
    BodyLine{"RBP: ", nullptr, Proof::nothing},
    BodyLine{"R10: ", nullptr, Proof::nothing},
    BodyLine{"R13: ", nullptr, Proof::nothing},
    BodyLine{"DR0: ", nullptr, Proof::nothing},
    BodyLine{"DR3: ", nullptr, Proof::nothing},
    BodyLine{"FS:  ", nullptr, Proof::nothing},
    BodyLine{"CS:  ", nullptr, Proof::nothing},
    BodyLine{"PKRU: ", nullptr, Proof::nothing},
    BodyLine{"note: ", nullptr, Proof::nothing},
    BodyLine{"====", nullptr, Proof::nothing},
    BodyLine{"---", nullptr, Proof::nothing},
};

}  // namespace

const char* const consequence_pattern =
    "(?:Oops.*: )?Fatal exception|(?:\\w+: )?panic_on_\\w+ set|(?:\\w+: )?kasan\\.fault|hung_task: blocked "
    "tasks|"
    "softlockup: hung tasks|Hard LOCKUP|RCU Stall|Attempted to kill |scheduling while atomic|Machine halted|"
    "Aiee, killing|Fatal hardware error|kernel stack overflow|workqueue lockup|panic_on_|double fault|"
    "BUG!|Unrecoverable exception|VFS: Unable to mount root";

const Rule& lost_header_rule() { return lost_header; }
std::span<const Rule> linux_rules() { return rules; }
std::span<const Prelude> linux_preludes() { return preludes; }
std::span<const BodyLine> linux_body() { return body; }

}  // namespace labctl::crash
