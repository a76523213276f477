// The dialect of Windows: blue screens of XP to 11 as the emergency console repeats them, the boot manager's
// error screens, rescue environments. English texts only, because images are built in English.
#include "labctl/crash/windows/windows.h"

#include <array>

namespace labctl::crash {
namespace {

#define HEX "0x(?P<code>[0-9A-Fa-f]+)"
#define FILE_NAME "(?P<file>[\\w.\\\\:$~-]+\\.(?i:sys|exe|dll|efi))"
#define NAME "(?P<name>[A-Z][A-Z0-9_]{3,63})"

#define REPAIR "boot failure: Windows automatic repair"
#define RECOVERY "boot failure: Windows recovery environment"
#define MISSING "boot failure: Windows boot manager is missing"

constexpr std::array sayings{
    // XP to 7.
    Saying{"A problem has been detected and Windows",
           "A problem has been detected and Windows has been shut down", Says::stop},
    Saying{"*** STOP: ", "\\*\\*\\* STOP: " HEX " ?\\((?:0x[0-9A-Fa-f]+[, ]*){1,4}", Says::report},
    Saying{"*** STOP: ", "\\*\\*\\* STOP: " HEX, Says::code},
    Saying{"STOP: ", "STOP: " HEX " ?\\((?:0x[0-9A-Fa-f]+[, ]*){1,4}", Says::report},
    Saying{"*** ", "\\*\\*\\*\\s+" FILE_NAME " - Address [0-9A-Fa-f]+ base at [0-9A-Fa-f]+", Says::detail},
    Saying{"The problem seems to be caused by",
           "The problem seems to be caused by the following file: " FILE_NAME, Says::detail},
    Saying{"Technical information:", "Technical information:", Says::part},
    Saying{"Collecting data for crash dump", "Collecting data for crash dump", Says::part},
    Saying{"Initializing disk for crash dump", "Initializing disk for crash dump", Says::part},
    Saying{"Beginning dump of physical memory", "Beginning dump of physical memory", Says::part},
    Saying{"Dumping physical memory", "Dumping physical memory", Says::part},
    Saying{"Physical memory dump ", "Physical memory dump (?:complete|FAILED)", Says::part},

    // 8 to 11.
    Saying{"Your PC ran into a problem", "Your PC ran into a problem", Says::stop},
    Saying{"Your device ran into a problem", "Your device ran into a problem", Says::stop},
    Saying{"Your Windows Insider Build ran into", "Your Windows Insider Build ran into a problem",
           Says::stop},
    Saying{"If you'd like to know more, you can search",
           "If you'd like to know more, you can search online later for this error: (?:" HEX "|" NAME
           ")(?: \\(" FILE_NAME "\\))?",
           Says::code},
    Saying{"Stop code: ", "Stop code: +(?:" NAME ")?(?: ?\\(?" HEX "\\)?)?(?:\\s|$)", Says::code},
    Saying{"What failed: ", "What failed: +" FILE_NAME, Says::detail},
    Saying{"We're just collecting some error info", "We're just collecting some error info", Says::part},
    Saying{"For more information about this issue and", "For more information about this issue", Says::part},
    Saying{"If you call a support person", "If you call a support person", Says::part},

    // The event log after a crash.
    Saying{"The computer has rebooted from a bugcheck.",
           "The computer has rebooted from a bugcheck\\. +The bugcheck was: " HEX " \\(", Says::report},

    // The emergency console.
    Saying{"Computer is booting, SAC started", "Computer is booting, SAC started and initialized",
           Says::boot},

    // The boot manager.
    Saying{"Windows failed to start. A recent", "Windows failed to start\\. A recent hardware or software",
           Says::loader},
    Saying{"Your PC needs to be repaired", "Your PC needs to be repaired", Says::loader},
    Saying{"Your device needs to be repaired", "Your device needs to be repaired", Says::loader},
    Saying{"Your PC/Device needs to be repaired", "Your PC/Device needs to be repaired", Says::loader},
    Saying{"Your PC couldn't start properly", "Your PC couldn't start properly", Says::loader},
    Saying{"Status: ", "Status: +" HEX, Says::status},
    Saying{"Error code: ", "Error code: +" HEX, Says::status},
    Saying{"File: ", "File: +" FILE_NAME, Says::status},
    Saying{"BOOTMGR is ", "BOOTMGR is (?:missing|compressed)", Says::recovery, MISSING},
    Saying{"BOOTMGR image is corrupt", "BOOTMGR image is corrupt", Says::recovery, MISSING},
    Saying{"NTLDR is ", "NTLDR is (?:missing|compressed)", Says::recovery, MISSING},
    Saying{"An operating system wasn't found", "An operating system wasn't found", Says::recovery,
           "boot failure: no bootable device"},

    // Rescue environments: the guest is alive there, and calm.
    Saying{"Preparing Automatic Repair", "Preparing Automatic Repair", Says::recovery, REPAIR},
    Saying{"Diagnosing your PC", "Diagnosing your PC", Says::recovery, REPAIR},
    Saying{"Automatic Repair couldn't repair", "Automatic Repair couldn't repair your PC", Says::recovery,
           REPAIR},
    Saying{"Startup Repair c", "Startup Repair (?:cannot repair|couldn't repair)", Says::recovery, REPAIR},
    Saying{"It looks like Windows didn't load", "It looks like Windows didn't load correctly", Says::recovery,
           RECOVERY},
    Saying{"X:\\", "(?i)X:\\\\windows\\\\system32>", Says::recovery, RECOVERY},
    Saying{"Windows Error Recovery", "Windows Error Recovery\\s*$", Says::recovery, RECOVERY},
    Saying{"BitLocker ", "(?i)BitLocker recovery(?: key)?\\s*$", Says::recovery,
           "boot failure: BitLocker recovery"},
    Saying{"Choose an option", "Choose an option\\s*$", Says::hint, RECOVERY},
};

}  // namespace

std::span<const Saying> windows_sayings() { return sayings; }

}  // namespace labctl::crash
