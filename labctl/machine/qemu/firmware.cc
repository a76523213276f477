#include "labctl/machine/qemu/firmware.h"

#include <fmt/core.h>

#include <array>

#include "labctl/base/subprocess.h"

namespace labctl::machine {
namespace {

// Debian and Ubuntu, then Fedora and its family.
const std::array<FirmwareFiles, 2> plain = {{
    {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
    {"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
}};
const std::array<FirmwareFiles, 2> with_keys = {{
    {"/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"},
    {"/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"},
}};

}  // namespace

Result<FirmwareFiles> find_firmware(Firmware firmware) {
  if (firmware == Firmware::bios) return FirmwareFiles{};
  for (const auto& files : firmware == Firmware::uefi ? plain : with_keys) {
    std::error_code ignored;
    if (std::filesystem::exists(files.code, ignored) && std::filesystem::exists(files.variables, ignored))
      return files;
  }
  return lab_error(fmt::format("this host has no firmware for {} guests", to_string(firmware)), {},
                   "apt-get install ovmf");
}

Status find_tpm(Firmware firmware, Platform platform) {
  if (firmware != Firmware::uefi_secure || platform != Platform::hyperv) return {};
  for (const char* program : {"swtpm", "swtpm_setup"})
    if (find_program(program).empty())
      return lab_error(
          fmt::format("this host has no TPM for Windows guests with Secure Boot: {} is not installed",
                      program),
          {}, "apt-get install swtpm swtpm-tools");
  return {};
}

}  // namespace labctl::machine
