#include <fmt/core.h>

#include <cctype>

#include "labctl/base/digest.h"
#include "labctl/machine/devices.h"
#include "labctl/machine/machine.h"

namespace labctl::machine {

std::string why_no_snapshot(const Shape& shape) {
  if (shape.firmware != Firmware::bios)
    return "UEFI keeps its variables in flash, which a snapshot cannot hold";
  if (shape.disk == DiskBus::nvme) return "QEMU cannot save an NVMe disk's state";
  for (const auto& name : shape.devices)
    if (const Device* device = find_device(name); device && *device->unsaved != '\0')
      return fmt::format("'{}': {}", name, device->unsaved);
  return {};
}

// What is no letter, digit, '-', '_' or '.' becomes '_': nobody who asks for a shape chooses a path.
static std::string file_name_of(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  return name;
}

std::string slug_of(const Shape& shape) {
  std::string slug = std::to_string(shape.vcpus) + "x" + std::to_string(shape.memory >> 20) + "M";
  if (!shape.cpu.empty()) slug += "-" + file_name_of(shape.cpu);  // a folder is called so
  if (shape.firmware != Firmware::bios) slug += std::string("-") + to_string(shape.firmware);
  if (shape.disk != DiskBus::virtio) slug += std::string("-") + to_string(shape.disk);
  if (shape.network) slug += "-net";
  if (shape.platform == Platform::hyperv) slug += "-windows";
  if (shape.memory_integrity) slug += "-memory-integrity";
  if (shape.disk_size != 0) slug += "-" + std::to_string(shape.disk_size >> 20) + "M-disk";
  std::string keys;
  for (const auto& key : shape.keys) keys += sha256(key) + "\n";
  if (!keys.empty()) slug += "-keys-" + sha256(keys).substr(0, 12);
  std::string words;
  for (const auto& word : shape.cmdline) words += word + "\n";
  for (const auto& device : shape.devices) slug += "+" + file_name_of(device);
  if (!words.empty()) slug += "-cmdline-" + sha256(words).substr(0, 12);
  return slug;
}

}  // namespace labctl::machine
