#include "labctl/scenario/devices.h"

#include <algorithm>

namespace labctl::scenario {
namespace {

const std::vector<std::string> network_cards = {"e1000",   "e1000e", "ne2k_pci", "pcnet",
                                                "rtl8139", "tulip",  "usb-net",  "vmxnet3"};
const std::vector<std::string> disk_devices = {"lsi53c895a", "megasas",     "nvme",       "pvscsi",
                                               "sdhci-pci",  "usb-storage", "virtio-scsi"};
const std::vector<std::string> sound_and_input = {"ac97",       "es1370",          "ich9-intel-hda",
                                                  "usb-audio",  "usb-kbd",         "usb-mouse",
                                                  "usb-tablet", "virtio-keyboard", "virtio-tablet"};
const std::vector<std::string> other_devices = {"edu",       "i6300esb",   "pci-testdev",
                                                "qemu-xhci", "usb-serial", "virtio-balloon"};

bool is_one_of(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const std::vector<std::string>& device_names() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> names;
    for (const auto* group : {&network_cards, &disk_devices, &sound_and_input, &other_devices})
      names.insert(names.end(), group->begin(), group->end());
    std::sort(names.begin(), names.end());
    return names;
  }();
  return all;
}

bool is_device(std::string_view name) { return is_one_of(device_names(), name); }
bool is_network_device(std::string_view name) { return is_one_of(network_cards, name); }

std::string why_there_already(std::string_view name) {
  if (name == "virtio-rng" || name == "virtio-serial" || name == "pvpanic")
    return "every machine has one already";
  if (name == "virtio-blk") return "it is what disk: virtio gives";
  if (name == "virtio-net") return "it is what network: isolated gives";
  return {};
}

}  // namespace labctl::scenario
