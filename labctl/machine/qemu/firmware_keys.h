// Keys that a guest with Secure Boot trusts besides the distributions': the list of its owner's keys (MOK)
// that shim reads out of the firmware's variables and hands to the kernel. It is written into the file of the
// variables on the host, as 'mokutil --import' and a person at the next start would have it written; no guest
// takes part. For Linux guests that start by shim: nothing else reads this list.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/machine/qemu/firmware.h"

namespace labctl::machine {

// `store` is a file of OVMF's variables as it is; the same with these certificates (in DER) in the list. What
// is in it already stays, and is not added twice. Errors: it is no such file, or has no room.
Result<std::string> add_keys(std::string store, const std::vector<std::string>& certificates);

// In the file at `nvram`, which is made from the firmware's template when it is not there.
Status enroll_keys(const std::filesystem::path& nvram, const FirmwareFiles& firmware,
                   const std::vector<std::string>& certificates);

// Whether shim's list, as the guest shows it, has all of them.
bool lists_keys(std::string_view list, const std::vector<std::string>& certificates);

}  // namespace labctl::machine
