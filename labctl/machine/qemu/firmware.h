// Where this host keeps the firmware of UEFI guests: the code, read by all, and the template of the variables
// that each guest gets a copy of. For Secure Boot the template holds the keys of the distributions.
#pragma once

#include <filesystem>

#include "labctl/base/result.h"
#include "labctl/machine/machine.h"

namespace labctl::machine {

struct FirmwareFiles {
  std::filesystem::path code;
  std::filesystem::path variables;
};

// Nothing for a BIOS. Errors: the host has no such firmware.
Result<FirmwareFiles> find_firmware(Firmware firmware);

// A Windows with Secure Boot has a TPM, which libvirt takes from swtpm; other shapes need none. Errors: it is
// not installed.
Status find_tpm(Firmware firmware, Platform platform);

}  // namespace labctl::machine
