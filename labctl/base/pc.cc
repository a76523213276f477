#include "labctl/base/pc.h"

namespace labctl {

const char* to_string(Firmware firmware) {
  switch (firmware) {
    case Firmware::bios:
      return "bios";
    case Firmware::uefi:
      return "uefi";
    case Firmware::uefi_secure:
      return "uefi-secure";
  }
  return "";
}

const char* to_string(DiskBus disk) {
  switch (disk) {
    case DiskBus::virtio:
      return "virtio";
    case DiskBus::sata:
      return "sata";
    case DiskBus::nvme:
      return "nvme";
  }
  return "";
}

}  // namespace labctl
