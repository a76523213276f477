#include "labctl/machine/devices.h"

#include <algorithm>

namespace labctl::machine {
namespace {

constexpr const char* saved = "";
// Of QEMU 7.2's sources: a device without a description of its state comes back from a snapshot as if it had
// just been switched on, and nobody says so; one that is marked unmigratable refuses the snapshot.
constexpr const char* no_state = "QEMU does not save its state";
constexpr const char* refused = "QEMU refuses to save its state";
constexpr const char* fresh_disk = "its disk is a new one at each start, which a snapshot cannot hold";

}  // namespace

const std::vector<Device>& all_devices() {
  static const std::vector<Device> all = {
      {"ac97", Bus::sound, "ac97", saved},
      {"e1000", Bus::network, "e1000", saved},
      {"e1000e", Bus::network, "e1000e", saved},
      {"edu", Bus::pci, "edu", no_state},
      {"es1370", Bus::sound, "es1370", saved},
      {"i6300esb", Bus::watchdog, "i6300esb", saved},
      {"ich9-intel-hda", Bus::sound, "ich9", saved},
      {"lsi53c895a", Bus::scsi, "lsi53c895a", fresh_disk},
      {"megasas", Bus::scsi, "megasas", fresh_disk},
      {"ne2k_pci", Bus::network, "ne2k_pci", saved},
      {"nvme", Bus::disk, "nvme", fresh_disk},
      {"pci-testdev", Bus::pci, "pci-testdev", no_state},
      {"pcnet", Bus::network, "pcnet", saved},
      {"pvscsi", Bus::scsi, "pvscsi", fresh_disk},
      {"qemu-xhci", Bus::usb_controller, "qemu-xhci", saved},
      {"rtl8139", Bus::network, "rtl8139", saved},
      {"sdhci-pci", Bus::sd, "sdhci-pci", fresh_disk},
      {"tulip", Bus::network, "tulip", saved},
      {"usb-audio", Bus::sound, "usb", refused},
      {"usb-kbd", Bus::input, "usb keyboard", saved},
      {"usb-mouse", Bus::input, "usb mouse", saved},
      {"usb-net", Bus::usb_network, "usb-net", refused},
      {"usb-serial", Bus::usb_port, "usb-serial", refused},
      {"usb-storage", Bus::usb_disk, "usb-storage", fresh_disk},
      {"usb-tablet", Bus::input, "usb tablet", saved},
      {"virtio-balloon", Bus::balloon, "virtio", saved},
      {"virtio-keyboard", Bus::input, "virtio keyboard", saved},
      {"virtio-scsi", Bus::scsi, "virtio-scsi-pci", fresh_disk},
      {"virtio-tablet", Bus::input, "virtio tablet", saved},
      {"vmxnet3", Bus::network, "vmxnet3", saved},
  };
  return all;
}

const Device* find_device(std::string_view name) {
  const auto& all = all_devices();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Device& device) { return name == device.name; });
  return found == all.end() ? nullptr : &*found;
}

bool needs_usb(const Device& device) {
  switch (device.bus) {
    case Bus::usb_network:
    case Bus::usb_disk:
    case Bus::usb_port:
    case Bus::usb_controller:
      return true;
    case Bus::sound:
    case Bus::input:
      return std::string_view(device.model).starts_with("usb");
    case Bus::pci:
    case Bus::network:
    case Bus::disk:
    case Bus::scsi:
    case Bus::sd:
    case Bus::watchdog:
    case Bus::balloon:
      return false;
  }
  return false;
}

}  // namespace labctl::machine
