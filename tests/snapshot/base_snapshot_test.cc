// What cells start from: who gets which firmware variables, and when a snapshot is believed.
#include "labctl/snapshot/base_snapshot.h"

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/machine/devices.h"
#include "labctl/machine/qemu/firmware.h"
#include "labctl/scenario/devices.h"
#include "tests/catch.h"
#include "tests/image/scratch.h"
#include "tests/lab/fake_machine.h"

using namespace labctl;
using namespace labctl::snapshot;
using namespace std::chrono_literals;

namespace {

const std::string emergency_console =
    "<?xml>\r\n<machine-info>\r\n<name>FAKE</name>\r\n</machine-info>\r\n\r\nComputer is booting, SAC "
    "started and "
    "initialized.\r\n";
const machine::Shape uefi{.firmware = Firmware::uefi}, bios{};

// An image in a store of its own, and guests that write into their variables when they are booted.
struct Lab : image::Scratch {
  image::Store store{{path / "images"}, path / "store"};
  test::FakeHost host;
  std::string definition = "<domain>\n</domain>\n";
  std::vector<std::string> began;  // what the variables said at each boot

  Lab() {
    put("images/one/image.yaml",
        "os: windows\nsummary: a guest\nsuite: s\nkernel: k\nbuild: build\ndisk: 1GiB\nneeds: {sh: dash}\n");
    put("images/one/build",
        "#!/bin/sh\nset -eu\nqemu-img create -q -f qcow2 disk.qcow2 1M\nprintf installed >nvram.fd\n"
        "printf 'a\\n' >packages\nprintf '{\"kernel_release\": \"10\"}' >guest.json\n",
        0755);
    host.script_for = [this](const machine::Spec& spec) {
      test::Script script;
      script.definition = definition;
      script.at_start = [this, nvram = spec.nvram](const machine::Sink& sink) {
        sink(machine::ConsoleBytes{emergency_console});
        const bool has_variables = fs::exists(nvram);
        began.push_back(has_variables ? read_file(nvram).value() : "");
        if (has_variables) std::ofstream(nvram, std::ios::app) << ", booted";
      };
      script.on_command = [](const std::string&, int, const machine::Sink&) {
        return std::optional(std::pair(0, std::string("system=running\n")));
      };
      return script;
    };
  }

  BaseSnapshot prepare(const machine::Shape& shape) {
    auto built = store.build("one", [](auto) {}, {});
    INFO((built ? "" : built.error().text()));
    REQUIRE(built.has_value());
    auto base = prepare_base(host, store, "one", shape, [](auto) {}, {});
    INFO((base ? "" : base.error().text()));
    REQUIRE(base.has_value());
    return *base;
  }
};

void flip_byte(const fs::path& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const char byte = static_cast<char>(stream.get() ^ 1);
  stream.seekp(at);
  stream.put(byte);
}

bool can_make_disks() { return !find_program("qemu-img").empty(); }

}  // namespace

TEST_CASE(
    "cells get copies of the variables that the image's first boot left, which began with the "
    "installation's") {
  if (!can_make_disks()) return;
  Lab lab;
  const BaseSnapshot base = lab.prepare(uefi);
  CHECK(lab.began == std::vector<std::string>{"installed"});
  CHECK(read_file(base.nvram).value() == "installed, booted");
  CHECK(read_file(base.image.folder / "nvram.fd").value() == "installed");

  for (const char* name : {"first.nvram", "second.nvram"}) {
    REQUIRE(base.copy_nvram(lab.path / name));
    CHECK(read_file(lab.path / name).value() == "installed, booted");
    std::ofstream(lab.path / name) << "what a candidate wrote";  // and nobody's but its own
  }
  CHECK(read_file(base.nvram).value() == "installed, booted");

  CHECK(lab.prepare(uefi).nvram == base.nvram);
  CHECK(lab.began.size() == 1);
  fs::remove(base.nvram);  // a guest without them would find its disk or not
  lab.prepare(uefi);
  CHECK(lab.began == std::vector<std::string>{"installed", "installed"});
}

TEST_CASE("keys are written into the variables before the first boot, or there is none") {
  if (!can_make_disks() || !machine::find_firmware(Firmware::uefi_secure)) return;
  Lab lab;
  REQUIRE(lab.store.build("one", [](auto) {}, {}));
  const machine::Shape keyed{.firmware = Firmware::uefi_secure, .keys = {"vendor"}};
  const auto refused = prepare_base(lab.host, lab.store, "one", keyed, [](auto) {}, {});
  REQUIRE_FALSE(refused);  // what this image was installed with is no file of OVMF's
  CHECK_THAT(refused.error().text(), ContainsSubstring("are not variables as OVMF keeps them"));
  CHECK(lab.began.empty());
  // Nor is a machine without them, or with others, taken for it.
  scenario::Machine machine;
  machine.firmware = Firmware::uefi_secure;
  const auto slug = [&] { return machine::slug_of(shape_of(machine)); };
  const std::string none = slug();
  machine.keys = {{.path = "a.crt", .certificate = "vendor"}};
  CHECK(shape_of(machine).keys == keyed.keys);
  const std::string first = slug();
  machine.keys[0].certificate = "next";
  CHECK(first != none);
  CHECK(slug() != first);
  machine.keys[0] = {.path = "moved/a.crt", .certificate = "vendor"};
  CHECK(slug() == first);  // it is the same machine
}

TEST_CASE("a guest that starts by BIOS has no variables, and none are copied") {
  if (!can_make_disks()) return;
  Lab lab;
  const BaseSnapshot base = lab.prepare(bios);
  CHECK(lab.began == std::vector<std::string>{""});
  CHECK(base.nvram.empty());
  REQUIRE(base.copy_nvram(lab.path / "none"));
  CHECK_FALSE(fs::exists(lab.path / "none"));
}

TEST_CASE("a Windows' running state goes on in the machine alone in which it was saved") {
  if (!can_make_disks()) return;
  Lab lab;
  const BaseSnapshot base = lab.prepare(bios);
  const auto definition = base.disk.parent_path() / "machine.xml";
  CHECK(read_file(definition).value() == lab.definition);
  lab.prepare(bios);
  CHECK(lab.began.size() == 1);

  lab.definition = "<domain>\n  <clock offset='localtime'/>\n</domain>\n";  // another labctl defines it so
  lab.prepare(bios);
  CHECK(lab.began.size() == 2);
  CHECK(read_file(definition).value() == lab.definition);

  fs::remove(definition);  // nobody knows what machine it was
  lab.prepare(bios);
  CHECK(lab.began.size() == 3);
}

TEST_CASE("a golden disk with one other byte is refused, and no snapshot is made of it") {
  if (!can_make_disks()) return;
  Lab lab;
  const BaseSnapshot base = lab.prepare(bios);
  CHECK(is_sha256(base.image.sha256));
  CHECK(changed_since(base).empty());
  flip_byte(base.image.disk, 1000);
  auto again = prepare_base(lab.host, lab.store, "one", bios, [](auto) {}, {});
  REQUIRE_FALSE(again);
  CHECK(again.error().fault == Fault::lab);
  CHECK(again.error().text().find("the image 'one' cannot be used: has changed: its sha256 is ") !=
        std::string::npos);
  CHECK(again.error().hint == "labctl image rm one && labctl image build one");
  CHECK(lab.began.size() == 1);
  REQUIRE(changed_since(base).size() == 1);
  CHECK(changed_since(base)[0].starts_with("the golden disk of 'one' was changed while the run used it: "));
  flip_byte(base.image.disk, 1000);  // the time of its change alone is no other disk
  CHECK(changed_since(base).empty());
}

TEST_CASE("a snapshot that has changed since it was made is not used, and is made again") {
  if (!can_make_disks()) return;
  Lab lab;
  const BaseSnapshot base = lab.prepare(uefi);
  CHECK(base.disk_sha256 == sha256_file(base.disk).value());
  CHECK(base.nvram_sha256 == sha256_file(base.nvram).value());
  for (const auto& file : {base.disk, base.nvram}) {
    const auto boots = lab.began.size();
    flip_byte(file, 3);
    CHECK(changed_since(base).size() == 1);
    const BaseSnapshot again = lab.prepare(uefi);
    CHECK(lab.began.size() == boots + 1);
    CHECK(changed_since(again).empty());
  }
  // One that does not say what it was made with may be anything.
  const auto facts = base.disk.parent_path() / "snapshot.json";
  Json json = *parse_json(*read_file(facts), {});
  json.erase("disk_sha256");
  REQUIRE(write_file(facts, dump_pretty(json)));
  const auto boots = lab.began.size();
  lab.prepare(uefi);
  CHECK(lab.began.size() == boots + 1);
}

TEST_CASE("each device that an author may ask for is one that the machine knows, and the other way round") {
  std::vector<std::string> known;
  for (const auto& device : machine::all_devices()) known.emplace_back(device.name);
  CHECK(known == scenario::device_names());
  scenario::Machine machine;
  machine.devices = {"edu", "nvme"};
  CHECK(shape_of(machine).devices == machine.devices);
}
