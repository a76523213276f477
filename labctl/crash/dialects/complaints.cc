// What Linux complains of and goes on: memory ran out, a file system is damaged, a name is taken, nobody
// handled an interrupt. Nothing has crashed, but a driver may be the reason; so these are warnings. What only
// says that a device answered with an error is not here: discs are scratched and cables are pulled.
#include <array>

#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {
namespace {

#define FUNCTION "(?P<func>[^\\s+/()]+)(?:\\+0x|\\(\\)|$|\\s)"
#define NAME ".{1,64}?"

constexpr Severity warning = Severity::warning;
constexpr unsigned line = no_function | instant;
constexpr unsigned kernels_line = line | kernel_only;

constexpr std::array rules{
    // Memory. A control group's own limit is its owner's wish and no finding.
    Rule{"Out of memory", "Out of memory(?: \\([\\w ]+\\))?: Kill(?:ed)? process \\d+ \\(",
         "out of memory: process killed", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{": page allocation failure",
         NAME ": page allocation failure[.:] ?order:\\d+,? mode:", "page allocation failure", Kind::error,
         warning, Group::complaint, 0, needs_body | kernel_only | behind_name},
    Rule{"kmem_cache_destroy ",
         "kmem_cache_destroy .{1,64}: Slab cache still has objects(?: when called from " FUNCTION ")?",
         "slab cache still has objects", Kind::error, warning, Group::complaint, bit(Group::warning),
         kernel_only},
    Rule{"kmemleak: ", "kmemleak: \\d+ new suspected memory leaks", "kmemleak: suspected memory leaks",
         Kind::memory_safety, warning, Group::complaint, 0, kernels_line},

    // Names and interrupts.
    Rule{"sysfs: cannot create", "sysfs: cannot create duplicate filename '",
         "sysfs: cannot create duplicate filename", Kind::error, warning, Group::complaint,
         bit(Group::warning), kernel_only},
    Rule{"irq ", "irq \\d+: nobody cared", "irq: nobody cared", Kind::error, warning, Group::other, 0,
         no_function | lists_handlers},
    Rule{"irq event ", "irq event \\d+: bogus return value ", "irq: bogus return value", Kind::error, warning,
         Group::complaint, 0, no_function | lists_handlers | kernel_only},
    Rule{": NETDEV WATCHDOG: ", NAME ": NETDEV WATCHDOG: CPU: \\d+: transmit queue \\d+ timed out",
         "NETDEV WATCHDOG: transmit queue timed out", Kind::error, warning, Group::complaint, 0,
         kernels_line | behind_name},

    // File systems that are damaged or gave up.
    Rule{"EXT4-fs error (device ", "EXT4-fs error \\(device [^)]+\\):? ", "file system error: ext4",
         Kind::error, warning, Group::other, 0, line},
    Rule{"EXT4-fs (", "EXT4-fs \\([^)]+\\): (?:Remounting filesystem read-only|shut(?:ting)? ?down)",
         "file system shut down: ext4", Kind::error, warning, Group::other, 0, line},
    Rule{"Aborting journal on device ", "Aborting journal on device ", "file system shut down: ext4",
         Kind::error, warning, Group::other, 0, line},
    Rule{"JBD2: ", "JBD2: Detected IO errors while flushing file data", "file system error: ext4",
         Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"XFS (",
         "XFS \\([^)]+\\): .*(?:[Ss]hutting down filesystem|[Ff]ilesystem has been shut down|"
         "Corruption of in-memory data)",
         "file system shut down: xfs", Kind::error, warning, Group::other, 0, line},
    Rule{
        "XFS (",
        "XFS \\([^)]+\\): (?:Internal error |Metadata (?:corruption|CRC error) detected|Corruption detected)",
        "file system error: xfs", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"BTRFS", "BTRFS[: ].*(?:forced readonly|Transaction aborted)", "file system shut down: btrfs",
         Kind::error, warning, Group::other, 0, line},
    Rule{"BTRFS", "BTRFS(?: critical \\(device [^)]+\\): |: error \\(device [^)]+\\) in \\w+:\\d+: errno=)",
         "file system error: btrfs", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"BTRFS ",
         "BTRFS (?:error|warning) \\(device [^)]+\\):? .*(?:csum failed|checksum error|parent transid verify "
         "failed|checksum verify failed|bad tree block|corrupt leaf|corrupt node)",
         "file system error: btrfs", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"F2FS-fs (", "F2FS-fs \\([^)]+\\): .*(?:Stopped filesystem|[Ss]top checkpoint)",
         "file system shut down: f2fs", Kind::error, warning, Group::other, 0, line},
    Rule{"F2FS-fs (", "F2FS-fs \\([^)]+\\): .*(?:[Ii]nconsistent |corrupted|run fsck to fix)",
         "file system error: f2fs", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"FAT-fs (", "FAT-fs \\([^)]+\\): Filesystem has been set read-only", "file system shut down: fat",
         Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"NILFS (", "NILFS \\([^)]+\\): .*[Rr]emounting filesystem read-only",
         "file system shut down: nilfs2", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"UBIFS ", "UBIFS (?:warning|error) .*switched to read-only mode", "file system shut down: ubifs",
         Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"OCFS2: ", "OCFS2: File system is now read-only", "file system shut down: ocfs2", Kind::error,
         warning, Group::complaint, 0, kernels_line},
    Rule{"gfs2: fsid=", "gfs2: fsid=\\S+: (?:about to withdraw|withdrawn|File system withdrawn)",
         "file system shut down: gfs2", Kind::error, warning, Group::complaint, 0, kernels_line},
    // Data that a program took for written.
    Rule{"Buffer I/O error on dev", "Buffer I/O error on dev(?:ice)? \\S+, .*lost (?:a?sync )?page write",
         "I/O error: written data is lost", Kind::error, warning, Group::complaint, 0, kernels_line},
    Rule{"lost page write due to", "lost page write due to I/O error on \\S+",
         "I/O error: written data is lost", Kind::error, warning, Group::complaint, 0, kernels_line},
};

}  // namespace

std::span<const Rule> complaint_rules() { return rules; }

}  // namespace labctl::crash
