// The devices that a guest may have besides those of every guest, as data: what QEMU is given of each, and
// whether it can save the device with a running guest. The names are QEMU's. How they are written for libvirt
// is libvirt/device_xml.h's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace labctl::machine {

enum class Bus {
  pci,      // a device of its own
  network,  // a card on PCI, behind which nobody is reached
  usb_network,
  disk,      // on PCI, with an empty disk of its own
  scsi,      // a controller on PCI, with an empty disk on it
  sd,        // the same with a memory card
  usb_disk,  // on USB, with an empty disk
  usb_port,  // on USB, with a character device that nobody reads
  usb_controller,
  sound,  // said by libvirt, as the next ones: `model` is its word
  input,  // the model is the bus, and what it is
  watchdog,
  balloon,
};

struct Device {
  const char* name;
  Bus bus;
  const char* model;    // QEMU's driver, or libvirt's word
  const char* unsaved;  // why a snapshot cannot hold it; empty: it can
};

const std::vector<Device>& all_devices();
const Device* find_device(std::string_view name);
bool needs_usb(const Device& device);

// Of the disk of each device that has one: empty again whenever the machine is switched on.
inline constexpr const char* device_disk_size = "1G";

}  // namespace labctl::machine
