#include "labctl/machine/libvirt/domain_xml.h"

#include "labctl/base/files.h"
#include "labctl/machine/devices.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

using namespace labctl;
using namespace labctl::machine;

namespace {

DomainPlace place(const std::string& machine_type) {
  return {"11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", machine_type,
          "/usr/bin/qemu-system-x86_64", "/run/lab/abcdef/s"};
}

// LABCTL_UPDATE_GOLDEN=1 rewrites the files from today's behaviour.
void compare(const std::string& file, const std::string& xml) {
  const fs::path golden = source_tree::tests() / "machine" / file;
  if (getenv("LABCTL_UPDATE_GOLDEN") != nullptr) REQUIRE(write_file(golden, xml));
  const Result<std::string> wanted = read_file(golden);
  REQUIRE(wanted);
  CHECK(xml == *wanted);
}

}  // namespace

TEST_CASE("a definition is computed from its spec and nothing else") {
  Spec spec;
  spec.name = "debian-12-candidate";
  spec.disk = "/srv/cells/a/disk.qcow2";
  compare("tcg.xml", domain_xml(spec, place("pc-i440fx-7.2")));
  spec.accel = Accel::kvm;
  spec.shape = {2, 512ull << 20};
  compare("kvm-q35.xml", domain_xml(spec, place("pc-q35-7.2")));
  spec.shape = {.disk = DiskBus::sata};
  compare("kvm-sata.xml", domain_xml(spec, place("pc-i440fx-7.2")));
  spec.accel = Accel::tcg;
  spec.shape = {.cpu = "Skylake-Client", .disk = DiskBus::nvme};
  spec.disk = "/srv/cells/a,b/disk.qcow2";
  compare("tcg-nvme.xml", domain_xml(spec, place("pc-i440fx-7.2")));
  spec.disk = "/srv/cells/a/disk.qcow2";
  spec.shape = {.network = true,
                .devices = {"e1000e", "nvme", "usb-storage", "ich9-intel-hda", "edu", "megasas", "sdhci-pci",
                            "usb-net"}};
  compare("tcg-devices.xml", domain_xml(spec, place("pc-i440fx-7.2")));
  spec.shape = {.devices = {"i6300esb", "virtio-balloon", "usb-kbd", "virtio-tablet", "usb-serial", "ac97"}};
  compare("tcg-said-by-libvirt.xml", domain_xml(spec, place("pc-q35-7.2")));
  spec.disk = "/srv/cells/a,b/disk.qcow2";
  spec.nvram = "/srv/cells/a/nvram.fd";
  spec.shape = {.firmware = Firmware::uefi};
  DomainPlace uefi = place(machine_type_for(spec.shape, "pc-i440fx-7.2"));
  uefi.firmware = "/usr/share/OVMF/OVMF_CODE_4M.fd";
  compare("tcg-uefi.xml", domain_xml(spec, uefi));
  spec.shape = {.firmware = Firmware::uefi, .platform = Platform::hyperv};
  spec.accel = Accel::kvm;
  compare("kvm-windows.xml", domain_xml(spec, uefi));
  spec.accel = Accel::tcg;
  compare("tcg-windows.xml", domain_xml(spec, uefi));
  spec.shape = {.firmware = Firmware::uefi_secure, .platform = Platform::hyperv};
  spec.accel = Accel::kvm;
  compare("kvm-windows-secure.xml", domain_xml(spec, uefi));
  spec.shape.memory_integrity = true;
  uefi.virtualization = "svm";
  compare("kvm-windows-memory-integrity.xml", domain_xml(spec, uefi));
  spec.accel = Accel::tcg;
  spec.shape = {.firmware = Firmware::uefi_secure};
  uefi.firmware = "/usr/share/OVMF/OVMF_CODE_4M.ms.fd";
  compare("tcg-uefi-secure.xml", domain_xml(spec, uefi));
  compare("cd.xml", cd_xml("pc-i440fx-7.2", "/srv/cells/a/payload.iso"));
}

TEST_CASE("a shape is saved only where QEMU can save all of it") {
  CHECK(why_no_snapshot({}).empty());
  CHECK(why_no_snapshot({.disk = DiskBus::sata}).empty());
  CHECK(why_no_snapshot({.network = true}).empty());
  CHECK_FALSE(why_no_snapshot({.disk = DiskBus::nvme}).empty());
  CHECK_FALSE(why_no_snapshot({.firmware = Firmware::uefi}).empty());
  CHECK_FALSE(why_no_snapshot({.firmware = Firmware::uefi_secure}).empty());
  CHECK(slug_of({.vcpus = 2}) == "2x1024M");
  CHECK(slug_of({.cpu = "x/../../etc"}) == "1x1024M-x_.._.._etc");
  CHECK(slug_of({.network = true}) == "1x1024M-net");
  CHECK(slug_of({.cpu = "Skylake-Client", .firmware = Firmware::uefi_secure, .disk = DiskBus::nvme}) ==
        "1x1024M-Skylake-Client-uefi-secure-nvme");
  const auto keyed = [](const std::vector<std::string>& keys) {
    return slug_of({.firmware = Firmware::uefi_secure, .keys = keys});
  };
  CHECK_THAT(keyed({"a"}), ContainsSubstring("1x1024M-uefi-secure-keys-"));
  CHECK(keyed({"a"}) != keyed({"b"}));
  CHECK(keyed({"a", "b"}) != keyed({"ab"}));
  CHECK(keyed({}) == "1x1024M-uefi-secure");
  CHECK(machine_type_for({.disk = DiskBus::nvme}, "pc-i440fx-7.2") == "pc-i440fx-7.2");
  CHECK(machine_type_for({.firmware = Firmware::uefi}, "pc-i440fx-7.2") == "pc-q35-7.2");
  CHECK(machine_type_for({.firmware = Firmware::uefi_secure}, "pc-i440fx-7.2") == "pc-q35-7.2");
}

TEST_CASE("a device that QEMU cannot save costs the snapshot, and says so by its name") {
  CHECK(why_no_snapshot({.devices = {"e1000e", "ich9-intel-hda", "usb-kbd"}}).empty());
  CHECK(why_no_snapshot({.devices = {"e1000e", "edu"}}) == "'edu': QEMU does not save its state");
  CHECK(why_no_snapshot({.devices = {"usb-net"}}) == "'usb-net': QEMU refuses to save its state");
  CHECK_THAT(why_no_snapshot({.devices = {"usb-storage"}}), ContainsSubstring("a new one at each start"));
  CHECK(slug_of({.devices = {"edu", "nvme"}}) == "1x1024M+edu+nvme");
}

TEST_CASE("each device is in the definition, and each network card reaches nobody") {
  for (const Device& device : all_devices()) {
    Spec spec;
    spec.name = "guest";
    spec.disk = "/disk";
    const DomainPlace place{"uuid", "generation", "pc-i440fx-7.2", {}, {}};
    const std::string without = domain_xml(spec, place);
    spec.shape.devices = {device.name};
    const std::string with = domain_xml(spec, place);
    INFO(device.name);
    CHECK(with != without);
    if (device.bus != Bus::network && device.bus != Bus::usb_network) continue;
    CHECK_THAT(with, ContainsSubstring("restrict=on,ipv6=off"));
  }
}

TEST_CASE("names from outside cannot break out of the definition") {
  Spec spec;
  spec.name = "a<b>&\"'";
  spec.disk = "/tmp/\"/><evil>";
  const std::string xml = domain_xml(spec, place("pc-i440fx-7.2"));
  CHECK(xml.find("<evil>") == std::string::npos);
  CHECK(xml.find("a&lt;b&gt;&amp;") != std::string::npos);
}

TEST_CASE("the fingerprint follows what a live snapshot depends on") {
  const std::string one = definition_fingerprint(Accel::tcg, "pc-i440fx-7.2");
  CHECK(one == definition_fingerprint(Accel::tcg, "pc-i440fx-7.2"));
  CHECK(one != definition_fingerprint(Accel::kvm, "pc-i440fx-7.2"));
  CHECK(one != definition_fingerprint(Accel::tcg, "pc-i440fx-7.1"));
}

TEST_CASE("a guest has no network unless it is asked for, and then nobody can be reached") {
  Spec spec;
  spec.name = "guest";
  spec.disk = "/disk";
  const auto words = [&] { return domain_xml(spec, {"uuid", "generation", "pc-i440fx-7.2", {}, {}}); };
  CHECK_THAT(words(), !ContainsSubstring("net"));
  CHECK_THAT(words(), !ContainsSubstring("interface"));
  spec.shape.network = true;
  CHECK_THAT(words(), ContainsSubstring("user,id=labctl-net,restrict=on,ipv6=off"));
  spec.shape.disk = DiskBus::nvme;  // both are told to QEMU itself
  CHECK_THAT(words(), ContainsSubstring("nvme,drive"));
  CHECK_THAT(words(), ContainsSubstring("restrict=on"));
}

TEST_CASE("memory integrity is for a machine with Secure Boot, SMM, a TPM and a CPU that can virtualize") {
  Spec spec;
  spec.name = "windows-11-candidate";
  spec.disk = "/srv/cells/a/disk.qcow2";
  spec.nvram = "/srv/cells/a/nvram.fd";
  spec.accel = Accel::kvm;
  spec.shape = {.firmware = Firmware::uefi_secure, .platform = Platform::hyperv, .memory_integrity = true};
  DomainPlace secure = place("pc-q35-7.2");
  for (const char* name : {"vmx", "svm"}) {
    secure.virtualization = name;
    const std::string xml = domain_xml(spec, secure);
    CHECK_THAT(xml, ContainsSubstring(std::string("<feature policy=\"require\" name=\"") + name + "\" />"));
    for (const char* part :
         {"<loader readonly=\"yes\" secure=\"yes\"", "<smm state=\"on\" />", "<tpm model=\"tpm-crb\">"})
      CHECK_THAT(xml, ContainsSubstring(part));
  }
  CHECK(slug_of(spec.shape) != slug_of({.firmware = Firmware::uefi_secure, .platform = Platform::hyperv}));
}
