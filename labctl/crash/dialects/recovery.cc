// Where a system ends up that cannot start: the initramfs shell, emergency mode, an init that froze. The
// guest is alive then, and that is why nothing else reports it.
#include <array>

#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {
namespace {

constexpr unsigned line = instant | no_function;
constexpr unsigned prompt = line | userspace;

constexpr Rule failure(std::string_view head, const char* pattern, const char* title,
                       unsigned flags = prompt) {
  return Rule{head, pattern, title, Kind::boot_failure, Severity::fatal, Group::other, 0, flags};
}

#define INITRAMFS "boot failure: initramfs shell"
#define EMERGENCY "boot failure: emergency mode"
#define RESCUE "boot failure: rescue mode"
#define FSCK "boot failure: file system check failed"
#define INIT "boot failure: init gave up"

constexpr std::array rules{
    failure("(initramfs)", "\\(initramfs\\)(?: |$)", INITRAMFS),
    failure("ALERT!", "ALERT! +\\S+ does not exist\\. +Dropping to a shell!", INITRAMFS),
    failure("Gave up waiting for root", "Gave up waiting for root (?:file system )?device", INITRAMFS),
    failure("Target filesystem doesn't", "Target filesystem doesn't have requested", INITRAMFS),
    failure("No init found. Try", "No init found\\. Try passing init= bootarg", INITRAMFS),
    failure("run-init: ", "run-init: .*: (?:No such file|Permission denied|Exec format)", INITRAMFS),
    failure("dracut:/#", "dracut:/#", INITRAMFS),
    failure("[rootfs ", "\\[rootfs [^\\]]*\\]#", INITRAMFS),
    failure("You are now being dropped into", "You are now being dropped into an emergency shell", INITRAMFS),
    failure("An error occurred in stage 1", "An error occurred in stage 1 of the boot process", INITRAMFS),
    failure("initramfs emergency recovery shell", "initramfs emergency recovery shell launched", INITRAMFS),
    failure("Mounting root failed.", "Mounting root failed\\.", INITRAMFS),
    failure("could not mount root filesystem", "could not mount root filesystem -- exiting to", INITRAMFS),
    failure(">> Could not find the root", ">> Could not find the root (?:block )?device", INITRAMFS),
    failure("ERROR: Failed to mount '", "ERROR: Failed to mount '.*' on real root", INITRAMFS),
    failure("ERROR: Root device mounted", "ERROR: Root device mounted successfully, but", INITRAMFS),
    failure("dracut-initqueue", "dracut-initqueue(?:\\[\\d+\\])?: Warning: Could not boot\\.", INITRAMFS,
            line),
    failure("dracut Warning: Could not boot", "dracut Warning: Could not boot\\.", INITRAMFS, line),
    failure("dracut: FATAL: ", "dracut: FATAL: ", INITRAMFS, line),
    failure("dracut: Refusing to continue", "dracut: Refusing to continue", INITRAMFS, line),
    failure("Generating \"/run/initramfs/", "Generating \"/run/initramfs/rdsosreport\\.txt\"", INITRAMFS),
    failure("Entering emergency mode.", "Entering emergency mode\\. Exit the shell", EMERGENCY),
    failure("You are in emergency mode", "You are in emergency mode", EMERGENCY),
    failure("You are in rescue mode", "You are in rescue mode", RESCUE),
    failure("Welcome to emergency mode", "Welcome to emergency mode", EMERGENCY),
    failure("Give root password for", "Give root password for maintenance", EMERGENCY),
    failure("Give root password for", "Give root password for (?:system )?login", EMERGENCY),
    failure("Press Enter for maintenance", "Press Enter for maintenance", EMERGENCY),
    failure("Press Enter for system", "Press Enter for system maintenance", EMERGENCY),
    failure("Enter root password for", "Enter root password for (?:system )?maintenance", EMERGENCY),
    failure("Cannot open access to console", "Cannot open access to console, the root account is locked",
            EMERGENCY),
    failure("[  OK  ] Reached target ", "\\[  OK  \\] Reached target (?:emergency\\.target|.*Emergency Mode)",
            EMERGENCY),
    failure("[  OK  ] Started ", "\\[  OK  \\] Started (?:emergency\\.service|.*Emergency Shell)", EMERGENCY),
    failure("[  OK  ] Reached target ", "\\[  OK  \\] Reached target (?:rescue\\.target|.*Rescue Mode)",
            RESCUE),
    failure("systemd[1]: Reached target ",
            "systemd\\[1\\]: Reached target (?:emergency\\.target|.*Emergency Mode)", EMERGENCY, line),
    failure("systemd[1]: Freezing execution", "systemd\\[1\\]: Freezing execution", INIT, line),
    failure("systemd[1]: Caught <", "systemd\\[1\\]: Caught <[A-Z0-9]+>", INIT, line),
    failure("[!!!!!!] ", "\\[!!!!!!\\] ", INIT),
    failure("UNEXPECTED INCONSISTENCY", "UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY", FSCK),
    failure("The root filesystem on", "The root filesystem on \\S+ requires a manual fsck", FSCK),
    failure("fsck exited with status", "fsck exited with status code [4-9]", FSCK),
};

}  // namespace

std::span<const Rule> recovery_rules() { return rules; }

}  // namespace labctl::crash
