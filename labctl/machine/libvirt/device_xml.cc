// libvirt says what it has words for. It has none for a network that passes nothing on, for disks that are in
// no file, and for QEMU's devices for teaching and testing: these are told to QEMU itself.
//
// QEMU makes devices that are written as words first, and those written as JSON, as libvirt's are, behind
// them. What stands on a bus of libvirt's is therefore JSON; what is on PCI has a slot of its own, between
// those that libvirt counts up from 1 and its own at 0x1b and above on q35.

#include "labctl/machine/libvirt/device_xml.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/machine/devices.h"
#include "labctl/machine/libvirt/xml.h"

namespace labctl::machine {
namespace {

using pugi::xml_node;

constexpr std::size_t first_slot = 0x12;  // the NVMe system disk has 0x10, the network card 0x11

bool has(const Shape& shape, Bus bus) {
  return std::any_of(shape.devices.begin(), shape.devices.end(), [&](const std::string& name) {
    const Device* device = find_device(name);
    return device && device->bus == bus;
  });
}

// Writable, and in no file of anybody's: what is written goes to a temporary file that QEMU has unlinked.
void disk(xml_node domain, const std::string& id) {
  command_line(domain,
               {"-drive", fmt::format("driver=null-co,size={},read-zeroes=on,snapshot=on,if=none,id={}",
                                      device_disk_size, id)});
}

void network(xml_node domain, const std::string& id) {
  command_line(domain, {"-netdev", fmt::format("user,id={},restrict=on,ipv6=off", id)});
}

void sound(xml_node devices, const Device& device) {
  xml_node card = child(devices, "sound", {{"model", device.model}});
  if (std::string_view(device.model) == "ich9") child(card, "codec", {{"type", "duplex"}});
}

void input(xml_node devices, const Device& device) {
  const auto words = split(device.model, ' ');
  child(devices, "input", {{"type", words[1]}, {"bus", words[0]}});
}

void add(xml_node domain, xml_node devices, const Device& device, std::size_t index) {
  const std::string model = device.model, id = fmt::format("labctl-{}", index);
  const std::string slot = fmt::format("addr={:#x}", first_slot + index);
  const auto on_usb = [&](const std::string& what) {
    command_line(domain,
                 {"-device", fmt::format(R"({{"driver":"{}","bus":"usb.0","{}":"{}"}})", model, what, id)});
  };
  switch (device.bus) {
    case Bus::pci:
      return command_line(domain, {"-device", fmt::format("{},{}", model, slot)});
    case Bus::network:
      network(domain, id);
      return command_line(domain, {"-device", fmt::format("{},netdev={},romfile=,{}", model, id, slot)});
    case Bus::usb_network:
      network(domain, id);
      return on_usb("netdev");
    case Bus::disk:
      disk(domain, id);
      return command_line(domain, {"-device", fmt::format("{},drive={},serial={},{}", model, id, id, slot)});
    case Bus::scsi:
      disk(domain, id);
      return command_line(domain, {"-device", fmt::format("{},id={}-bus,{}", model, id, slot), "-device",
                                   fmt::format("scsi-hd,bus={}-bus.0,drive={}", id, id)});
    case Bus::sd:
      disk(domain, id);
      return command_line(domain, {"-device", fmt::format("{},id={}-bus,{}", model, id, slot), "-device",
                                   fmt::format("sd-card,bus=sd-bus,drive={}", id)});
    case Bus::usb_disk:
      disk(domain, id);
      return on_usb("drive");
    case Bus::usb_port:
      command_line(domain, {"-chardev", fmt::format("null,id={}", id)});
      return on_usb("chardev");
    case Bus::sound:
      return sound(devices, device);
    case Bus::input:
      return input(devices, device);
    case Bus::watchdog:
      child(devices, "watchdog", {{"model", model}, {"action", "reset"}});
      return;
    case Bus::usb_controller:
    case Bus::balloon:
      return;  // each machine says of these whether it has one
  }
}

}  // namespace

const char* usb_model(const Shape& shape) {
  const bool needed = std::any_of(shape.devices.begin(), shape.devices.end(), [](const std::string& name) {
    const Device* device = find_device(name);
    return device && needs_usb(*device);
  });
  return needed ? "qemu-xhci" : "none";
}

const char* balloon_model(const Shape& shape) { return has(shape, Bus::balloon) ? "virtio" : "none"; }

void add_devices(xml_node domain, xml_node devices, const Shape& shape) {
  // Without a word of it libvirt gives a card the host's sound.
  if (has(shape, Bus::sound)) child(devices, "audio", {{"id", "1"}, {"type", "none"}});
  for (std::size_t i = 0; i < shape.devices.size(); ++i)
    if (const Device* device = find_device(shape.devices[i])) add(domain, devices, *device, i);
}

}  // namespace labctl::machine
