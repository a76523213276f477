// What firmware and boot loaders say when there is nothing to boot, or when they crash themselves. Each line
// is final by itself: firmware that goes on to try another device prints other words.
#include <array>

#include "labctl/crash/dialects/dialect.h"

namespace labctl::crash {
namespace {

constexpr unsigned prompt = instant | userspace | no_function;

constexpr Rule failure(std::string_view head, const char* pattern, const char* title) {
  return Rule{head, pattern, title, Kind::boot_failure, Severity::fatal, Group::other, 0, prompt};
}

// A hypervisor below the system.
constexpr Rule xen(std::string_view head, const char* pattern) {
  return Rule{head, pattern, "Xen panic", Kind::panic, Severity::fatal, Group::other, 0, prompt};
}

constexpr std::array rules{
    failure("No bootable device", "No bootable device", "boot failure: no bootable device"),
    failure("BdsDxe: No bootable", "BdsDxe: No bootable option or device was found",
            "boot failure: no bootable device"),
    failure("No boot device", "No boot device (?:available|found)", "boot failure: no bootable device"),
    failure("Non-System disk", "Non-System disk or disk error", "boot failure: no bootable device"),
    failure("Operating System not found", "Operating System not found", "boot failure: no bootable device"),
    failure("Missing operating system", "Missing operating system", "boot failure: no bootable device"),
    failure("Reboot and Select proper", "Reboot and Select proper Boot device",
            "boot failure: no bootable device"),
    failure("UEFI Interactive Shell v", "UEFI Interactive Shell v\\d", "boot failure: UEFI shell"),
    failure("Shell>", "Shell> ?$", "boot failure: UEFI shell"),
    failure("grub rescue>", "grub rescue>", "boot failure: GRUB rescue shell"),
    failure("Entering rescue mode...", "Entering rescue mode\\.\\.\\.", "boot failure: GRUB rescue shell"),
    failure("grub>", "grub> ?$", "boot failure: GRUB shell"),
    failure("Minimal BASH-like line", "Minimal BASH-like line editing is supported",
            "boot failure: GRUB shell"),
    failure("   Minimal BASH-like line", "   Minimal BASH-like line editing is supported",
            "boot failure: GRUB shell"),
    failure("error: ", "error: (?:\\S+:\\d+: ?)?you need to load the kernel first",
            "boot failure: GRUB has no kernel"),
    failure(
        "EFI stub: ERROR: ",
        "EFI stub: ERROR: (?:Failed to (?:allocate (?:usable )?memory|relocate|decompress|load|exit boot|get "
        "memory map|handle fs_proto)|exit_boot\\(\\) failed|Unable to (?:construct|handle) |.*allocate "
        "memory for kernel)",
        "boot failure: EFI stub gave up"),
    failure("!!!! ", "!!!! (?:X64|IA32|AARCH64|RISCV64) Exception Type", "boot failure: firmware exception"),
    failure("Synchronous Exception at ", "Synchronous Exception at 0x[0-9A-Fa-f]+",
            "boot failure: firmware exception"),
    failure("### ERROR ### Please RESET", "### ERROR ### Please RESET the board",
            "boot failure: boot loader gave up"),
    xen("(XEN) ",
        "\\(XEN\\) (?:\\[[^\\]]{1,40}\\] )?(?:Panic on CPU \\d+:|FATAL (?:TRAP|PAGE FAULT)|Xen BUG at )"),
};

}  // namespace

std::span<const Rule> firmware_rules() { return rules; }

}  // namespace labctl::crash
