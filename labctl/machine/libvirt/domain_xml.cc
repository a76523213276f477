#include "labctl/machine/libvirt/domain_xml.h"

#include <pugixml.hpp>
#include <sstream>

#include "labctl/base/digest.h"
#include "labctl/machine/libvirt/device_xml.h"
#include "labctl/machine/libvirt/xml.h"

namespace labctl::machine {
namespace {

using pugi::xml_node;

void text(xml_node parent, const char* name, const std::string& value) {
  child(parent, name).text() = value.c_str();
}

std::string print(const pugi::xml_document& document) {
  std::ostringstream out;
  document.save(out, "  ", pugi::format_indent | pugi::format_no_declaration);
  return out.str();
}

bool is_q35(const std::string& machine_type) { return machine_type.find("q35") != std::string::npos; }

void cd_drive(xml_node devices, const std::string& machine_type, const std::filesystem::path& iso) {
  xml_node cd = child(devices, "disk", {{"type", "file"}, {"device", "cdrom"}});
  child(cd, "driver", {{"name", "qemu"}, {"type", "raw"}});
  if (!iso.empty()) child(cd, "source", {{"file", iso.string()}});
  child(cd, "target",
        {{"dev", is_q35(machine_type) ? "sdb" : "hda"}, {"bus", is_q35(machine_type) ? "sata" : "ide"}});
  child(cd, "readonly");
}

// cache=unsafe drops only the host's fsync: the guest's writes reach the host's page cache in order, and a
// power cut of the guest keeps exactly what a real disk would have kept or more. The overlay does not have to
// outlive the host. An error of the host's disk stops the guest (and is reported as Lost): the guest must not
// be blamed for it.
void disk_drive(xml_node devices, const Spec& spec) {
  const bool virtio = spec.shape.disk == DiskBus::virtio;
  xml_node disk = child(devices, "disk", {{"type", "file"}, {"device", "disk"}});
  xml_node driver = child(disk, "driver",
                          {{"name", "qemu"},
                           {"type", "qcow2"},
                           {"cache", "unsafe"},
                           {"error_policy", "stop"},
                           {"discard", "unmap"}});
  // The lost request (see vcpu), closed from the other side: the guest's own thread hands its requests over.
  if (virtio && spec.accel != Accel::kvm) driver.append_attribute("ioeventfd") = "off";
  child(disk, "source", {{"file", spec.disk.string()}});
  child(disk, "target", {{"dev", virtio ? "vda" : "sda"}, {"bus", virtio ? "virtio" : "sata"}});
}

// Within an option of QEMU's.
std::string with_commas(const std::filesystem::path& path) {
  std::string text;
  for (const char c : path.string()) text += c == ',' ? ",," : std::string(1, c);
  return text;
}

// libvirt before 11.5 knows no emulated NVMe disk; the words mean the same as above. Without a slot of its
// own it takes the first free one, which libvirt has given to the screen; libvirt counts slots up from 1 and,
// on q35, has its own at 0x1b and above.
void nvme_disk(xml_node domain, const Spec& spec) {
  command_line(domain,
               {"-drive",
                "file=" + with_commas(spec.disk) +
                    ",format=qcow2,if=none,id=labctl-disk,cache=unsafe,discard=unmap,werror=stop,rerror=stop",
                "-device", "nvme,drive=labctl-disk,serial=labctl,bootindex=1,addr=0x10"});
}

// An address by DHCP and nobody behind it: restricted, QEMU's own network passes nothing on to the host or
// the world, and there is one for each guest. libvirt has no word for `restrict`.
void isolated_network(xml_node domain) {
  command_line(domain, {"-netdev", "user,id=labctl-net,restrict=on,ipv6=off", "-device",
                        "virtio-net-pci,netdev=labctl-net,romfile=,addr=0x11"});
}

// A channel by the agent's name that libvirt knew of it would open and read itself (agent_channel.h).
void agent_channel(xml_node domain, xml_node devices, const DomainPlace& place) {
  if (place.sockets.empty()) {
    xml_node agent = child(devices, "channel", {{"type", "unix"}});
    child(agent, "source", {{"mode", "bind"}});
    child(agent, "target", {{"type", "virtio"}, {"name", "org.qemu.guest_agent.0"}});
    return;
  }
  child(devices, "controller", {{"type", "virtio-serial"}, {"index", "0"}});
  command_line(
      domain,
      {"-chardev", "socket,id=labctl-agent,server=on,wait=off,path=" + with_commas(agent_socket(place)),
       "-device",
       // As JSON, because QEMU makes all of those after all others, and the bus is one of libvirt's.
       R"({"driver":"virtserialport","bus":"virtio-serial0.0","nr":1,"chardev":"labctl-agent",)"
       R"("name":"org.qemu.guest_agent.0"})"});
}

// All that QEMU's documentation advises and every KVM has; each needs KVM.
void hyperv_features(xml_node features) {
  xml_node hyperv = child(features, "hyperv", {{"mode", "custom"}});
  for (const char* feature : {"relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer",
                              "reset", "frequencies", "tlbflush", "ipi"}) {
    xml_node one = child(hyperv, feature, {{"state", "on"}});
    if (feature == std::string("spinlocks")) one.append_attribute("retries") = "8191";
    if (feature == std::string("stimer")) child(one, "direct", {{"state", "on"}});
  }
}

bool is_kvm(const Spec& spec) { return spec.accel == Accel::kvm; }
bool is_secure(const Spec& spec) { return spec.shape.firmware == Firmware::uefi_secure; }
bool is_hyperv(const Spec& spec) { return spec.shape.platform == Platform::hyperv; }

void memory_and_vcpus(xml_node domain, const Spec& spec) {
  const bool kvm = is_kvm(spec);
  child(domain, "memory", {{"unit", "b"}}).text() = std::to_string(spec.shape.memory).c_str();
  // With one possible CPU TCG translates the guest's locked instructions into plain ones, and with them the
  // barriers between a guest's driver and a device that QEMU serves in another thread: a disk request got
  // lost and a healthy guest waited for it for ever, in one boot of fifty. A second, absent CPU makes them
  // real again.
  xml_node vcpu = child(domain, "vcpu");
  if (!kvm) vcpu.append_attribute("current") = spec.shape.vcpus;
  vcpu.text() = std::to_string(spec.shape.vcpus + (kvm ? 0 : 1)).c_str();
}

void firmware(xml_node domain, const Spec& spec, const DomainPlace& place) {
  xml_node os = child(domain, "os");
  child(os, "type", {{"arch", "x86_64"}, {"machine", place.machine_type}}).text() = "hvm";
  if (spec.shape.firmware != Firmware::bios) {
    child(os, "loader", {{"readonly", "yes"}, {"secure", is_secure(spec) ? "yes" : "no"}, {"type", "pflash"}})
        .text() = place.firmware.c_str();
    text(os, "nvram", spec.nvram.string());
  }
  if (spec.shape.disk != DiskBus::nvme) child(os, "boot", {{"dev", "hd"}});
}

void guest_features(xml_node domain, const Spec& spec) {
  xml_node all = child(domain, "features");
  child(all, "acpi");
  child(all, "apic");
  if (is_secure(spec)) child(all, "smm", {{"state", "on"}});
  // QEMU's default cache of translated code (1 GiB) keeps the code of the guest's earlier boots and slows its
  // reboots down: 27 s against 17 s, measured with QEMU 7.2 on Debian guests.
  if (!is_kvm(spec)) child(child(all, "tcg"), "tb-cache", {{"unit", "MiB"}}).text() = "128";
  if (is_hyperv(spec) && is_kvm(spec)) hyperv_features(all);
  child(all, "vmcoreinfo", {{"state", "on"}});  // lets a memory dump carry the kernel's own notes
}

void cpu_model(xml_node domain, const Spec& spec, const DomainPlace& place) {
  const bool kvm = is_kvm(spec);
  // TCG has no real CPU to copy: "maximum" is `-cpu max`.
  xml_node cpu = child(domain, "cpu");
  if (spec.shape.cpu.empty()) {
    cpu.append_attribute("mode") = kvm ? "host-passthrough" : "maximum";
  } else {
    // What of the model the host or the emulator cannot give is left out, as with `-cpu`.
    cpu.append_attribute("mode") = "custom";
    cpu.append_attribute("match") = "exact";
    cpu.append_attribute("check") = "none";
    child(cpu, "model", {{"fallback", "forbid"}}).text() = spec.shape.cpu.c_str();
  }
  // Memory integrity is kept up by Windows' own hypervisor, which needs what other nested guests do: without
  // it the guest is not started, rather than started without memory integrity.
  if (spec.shape.memory_integrity && kvm)
    child(cpu, "feature", {{"policy", "require"}, {"name", place.virtualization}});
}

void guest_clock(xml_node domain, const Spec& spec) {
  const bool kvm = is_kvm(spec), hyperv = is_hyperv(spec);
  xml_node all = child(domain, "clock", {{"offset", hyperv ? "localtime" : "utc"}});
  if (kvm && hyperv) {
    child(all, "timer", {{"name", "hypervclock"}, {"present", "yes"}});
    child(all, "timer", {{"name", "rtc"}, {"tickpolicy", "catchup"}});
    child(all, "timer", {{"name", "pit"}, {"tickpolicy", "delay"}});
  }
  if (kvm) child(all, "timer", {{"name", "hpet"}, {"present", "no"}});
}

void own_devices(xml_node domain, const Spec& spec, const DomainPlace& place) {
  xml_node all = child(domain, "devices");
  if (!place.emulator.empty()) text(all, "emulator", place.emulator.string());

  if (spec.shape.disk == DiskBus::nvme)
    nvme_disk(domain, spec);
  else
    disk_drive(all, spec);
  cd_drive(all, place.machine_type, {});

  child(all, "controller", {{"type", "usb"}, {"model", usb_model(spec.shape)}});
  xml_node serial = child(all, "serial", {{"type", "pty"}});  // libvirt's streams know no other kind
  child(serial, "target", {{"type", "isa-serial"}, {"port", "0"}});
  agent_channel(domain, all, place);
  // No device of the guest's: a state that was saved without it can be restored with it.
  if (spec.vnc) child(all, "graphics", {{"type", "vnc"}, {"autoport", "yes"}, {"listen", "127.0.0.1"}});
  child(child(all, "video"), "model", {{"type", "vga"}});  // for screenshots
  child(all, "memballoon", {{"model", balloon_model(spec.shape)}});
  child(child(all, "rng", {{"model", "virtio"}}), "backend", {{"model", "random"}}).text() = "/dev/urandom";
  if (is_hyperv(spec) && is_secure(spec))
    child(child(all, "tpm", {{"model", "tpm-crb"}}), "backend", {{"type", "emulator"}, {"version", "2.0"}});
  child(all, "panic", {{"model", "isa"}});
  if (spec.shape.network) isolated_network(domain);
  add_devices(domain, all, spec.shape);
  // The one through which Windows reports its stop code, before anything else works. TCG would take it in
  // silence and do nothing.
  if (is_hyperv(spec) && is_kvm(spec)) child(all, "panic", {{"model", "hyperv"}});
}

}  // namespace

std::string domain_xml(const Spec& spec, const DomainPlace& place) {
  pugi::xml_document document;
  xml_node domain = child(document, "domain", {{"type", is_kvm(spec) ? "kvm" : "qemu"}});
  text(domain, "name", spec.name);
  text(domain, "uuid", place.uuid);
  text(domain, "genid", place.generation);
  memory_and_vcpus(domain, spec);
  firmware(domain, spec, place);
  guest_features(domain, spec);
  cpu_model(domain, spec, place);
  guest_clock(domain, spec);
  text(domain, "on_poweroff", "destroy");
  text(domain, "on_reboot", "restart");  // inside the same QEMU, so the console stays
  text(domain, "on_crash", "preserve");  // a guest that panicked stays for its evidence
  own_devices(domain, spec, place);
  return print(document);
}

std::filesystem::path agent_socket(const DomainPlace& place) {
  return place.sockets / (place.uuid.substr(0, 8) + ".ga");
}

int vnc_port(const std::string& definition) {
  pugi::xml_document document;
  document.load_string(definition.c_str());
  return document.select_node("/domain/devices/graphics[@type='vnc']").node().attribute("port").as_int();
}

std::filesystem::path terminal(const std::string& definition) {
  pugi::xml_document document;
  document.load_string(definition.c_str());
  return document.select_node("/domain/devices/serial[@type='pty']/source")
      .node()
      .attribute("path")
      .as_string();
}

std::string cd_xml(const std::string& machine_type, const std::filesystem::path& iso) {
  pugi::xml_document document;
  cd_drive(document, machine_type, iso);
  return print(document);
}

std::string machine_type_for(const Shape& shape, const std::string& host_type) {
  static const std::string plain = "pc-i440fx-";
  if (shape.firmware == Firmware::bios || !host_type.starts_with(plain)) return host_type;
  return "pc-q35-" + host_type.substr(plain.size());
}

std::string definition_fingerprint(Accel accel, const std::string& machine_type) {
  Spec spec;
  spec.name = "fingerprint";
  spec.accel = accel;
  spec.disk = "/disk";
  return sha256(domain_xml(spec, {"uuid", "generation", machine_type, {}, {}}) +
                domain_xml(spec, {"uuid", "generation", machine_type, {}, "/sockets"}));
}

}  // namespace labctl::machine
