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

}  // namespace labctl::machine
