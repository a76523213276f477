// machine: one shape for every cell; machines: shapes by label, for the axis.

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

#include "labctl/base/text.h"
#include "labctl/scenario/devices.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

constexpr Network networks[] = {Network::none, Network::isolated};

template <class Kinds>
std::vector<std::string> words_for(const Kinds& all) {
  std::vector<std::string> words;
  for (const auto one : all) words.emplace_back(to_string(one));
  return words;
}

// Which models there are, the host's QEMU knows.
std::string read_cpu(const Node& node, const std::string& what, Reader& reader) {
  const auto name = reader.one_line(node, what);
  if (!name) return "";
  if (!is_cpu_model(*name))
    reader.mistake(node.mark, fmt::format("{}: {} is not a CPU model", what, quoted(*name)),
                   "a name of 'qemu-system-x86_64 -cpu help', such as Skylake-Client");
  return *name;
}

void read_cmdline(const Node& node, const std::string& what, Machine& machine, Reader& reader) {
  for (const std::string& option : reader.texts(node, what)) {
    const std::string name = option.substr(0, option.find('='));
    if (!is_kernel_option(option))
      reader.mistake(node.mark,
                     fmt::format("{}: {} is not an option of a kernel's command line", what, quoted(option)),
                     "write NAME or NAME=VALUE, without spaces and quotes");
    else if (is_labs_kernel_option(name))
      reader.mistake(node.mark,
                     fmt::format("{}: {} would change what the lab relies on", what, quoted(option)),
                     "the console, the root and the boot's target are the image's");
    else if (std::find(machine.cmdline.begin(), machine.cmdline.end(), option) != machine.cmdline.end())
      reader.mistake(node.mark, fmt::format("{}: {} is here twice", what, quoted(option)));
    else
      machine.cmdline.push_back(option);
  }
}

// What QEMU could emulate but labctl does not offer is as unknown as what nobody can.
void read_devices(const Node& node, const std::string& what, Machine& machine, Reader& reader) {
  const Mark mark = node.mark;
  for (const std::string& name : reader.texts(node, what)) {
    if (const std::string why = why_there_already(name); !why.empty())
      reader.mistake(mark, fmt::format("{}: {} is not to be asked for: {}", what, quoted(name), why));
    else if (!is_device(name))
      reader.mistake(mark, fmt::format("{}: {} is not a device that labctl can add", what, quoted(name)),
                     suggest(name, device_names(), fmt::format("there are: {}", join(device_names(), ", "))));
    else if (is_network_device(name) && machine.network == Network::none)
      reader.mistake(mark, fmt::format("{}: {} is a network card", what, quoted(name)),
                     "write network: isolated as well");
    else if (std::find(machine.devices.begin(), machine.devices.end(), name) != machine.devices.end())
      reader.mistake(mark, fmt::format("{}: {} is here twice", what, quoted(name)));
    else
      machine.devices.push_back(name);
  }
  if (machine.devices.size() > most_devices)
    reader.mistake(mark, fmt::format("{}: more than {} devices", what, most_devices));
}

// What is in the files is for those to say who may read them.
void read_keys(const Node& node, const std::string& what, Machine& machine, Reader& reader) {
  if (!reader.list(node, what)) return;
  if (machine.firmware != Firmware::uefi_secure)
    reader.mistake(node.mark, fmt::format("{}: only firmware with Secure Boot has keys", what),
                   "write firmware: uefi-secure");
  if (node.items.size() > most_machine_keys)
    reader.mistake(node.mark, fmt::format("{}: more than {} certificates", what, most_machine_keys));
  for (const Node& item : node.items) {
    auto path = reader.one_line(item, what);
    if (!path) continue;
    if (std::any_of(machine.keys.begin(), machine.keys.end(),
                    [&](const auto& key) { return key.path == *path; }))
      reader.mistake(item.mark, fmt::format("{}: {} is here twice", what, quoted(*path)));
    machine.keys.push_back({.path = std::move(*path), .mark = item.mark});
  }
}

Machine read_machine(const Node& node, const std::string& what, Reader& reader) {
  Machine machine;
  if (!reader.map(node, what,
                  {{"vcpus"},
                   {"memory"},
                   {"cpu"},
                   {"firmware"},
                   {"disk"},
                   {"network"},
                   {"disk_size"},
                   {"devices"},
                   {"kernel"},
                   {"cmdline"},
                   {"memory_integrity"},
                   {"keys"}}))
    return machine;
  if (const Node* vcpus = node.find("vcpus"))
    machine.vcpus = reader.integer(*vcpus, what + ".vcpus", 1, most_vcpus).value_or(machine.vcpus);
  if (const Node* memory = node.find("memory"))
    machine.memory =
        reader.size(*memory, what + ".memory", least_memory, most_memory).value_or(machine.memory);
  if (const Node* cpu = node.find("cpu")) machine.cpu = read_cpu(*cpu, what + ".cpu", reader);
  if (const Node* firmware = node.find("firmware"))
    if (const auto index = reader.choice(*firmware, what + ".firmware", words_for(all_firmware)))
      machine.firmware = all_firmware[*index];
  if (const Node* disk = node.find("disk"))
    if (const auto index = reader.choice(*disk, what + ".disk", words_for(all_disk_buses)))
      machine.disk = all_disk_buses[*index];
  if (const Node* network = node.find("network"))
    if (const auto index = reader.choice(*network, what + ".network", words_for(networks)))
      machine.network = networks[*index];
  if (const Node* size = node.find("disk_size"))
    machine.disk_size = reader.size(*size, what + ".disk_size", least_disk, most_disk).value_or(0);
  if (const Node* integrity = node.find("memory_integrity"))
    machine.memory_integrity =
        reader.choice(*integrity, what + ".memory_integrity", {"any", "required"}).value_or(0) == 1;
  if (machine.memory_integrity && machine.firmware != Firmware::uefi_secure)
    reader.mistake(node.mark,
                   fmt::format("{}.memory_integrity: required, and the firmware is not uefi-secure", what),
                   "write firmware: uefi-secure: Windows' hypervisor trusts no other start");
  if (const Node* keys = node.find("keys")) read_keys(*keys, what + ".keys", machine, reader);
  if (const Node* kernel = node.find("kernel"))
    if (reader.choice(*kernel, what + ".kernel", {"usual", "strict"}).value_or(0) == 1)
      machine.cmdline = strict_kernel;
  if (const Node* cmdline = node.find("cmdline")) read_cmdline(*cmdline, what + ".cmdline", machine, reader);
  if (const Node* devices = node.find("devices")) read_devices(*devices, what + ".devices", machine, reader);
  return machine;
}

// Two labels for one machine would run every cell twice and prove nothing more.
void check_different(const std::vector<Machine>& machines, const Node& node, Reader& reader) {
  for (std::size_t i = 0; i < machines.size(); ++i)
    for (std::size_t k = 0; k < i; ++k) {
      Machine other = machines[k];
      other.name = machines[i].name;
      if (machines[i] != other) continue;
      reader.mistake(node.keys[i].mark,
                     fmt::format("machines: {} is the same machine as {}", quoted(machines[i].name),
                                 quoted(machines[k].name)),
                     "let them differ, or take one away");
      break;
    }
}

}  // namespace

const std::vector<std::string> strict_kernel = {"slub_debug=FZPU", "init_on_alloc=1", "init_on_free=1",
                                                "page_poison=1", "kfence.sample_interval=100"};

void read_machines(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* one = root.find("machine");
  const Node* several = root.find("machines");
  if (one) scenario.machine = read_machine(*one, "machine", reader);
  if (!several || !reader.names(*several, "machines")) return;
  if (one)
    reader.mistake(one->mark, "machine: there are 'machines' too, and each cell has one of those",
                   "take 'machine' away");
  const std::size_t before = reader.count();
  for (std::size_t i = 0; i < several->items.size(); ++i) {
    const Key& key = several->keys[i];
    check_label(key, "machines", reader);
    Machine machine = read_machine(several->items[i], "machines." + printable(key.text, 60), reader);
    machine.name = key.text;
    scenario.machines.push_back(std::move(machine));
  }
  if (reader.count() == before) check_different(scenario.machines, *several, reader);
}

void check_memory_integrity(const Node& root, Reader& reader, const Scenario& scenario) {
  if (!scenario.guest || scenario.guest->os == Os::windows) return;
  const bool wanted = scenario.machine.memory_integrity ||
                      std::any_of(scenario.machines.begin(), scenario.machines.end(),
                                  [](const Machine& machine) { return machine.memory_integrity; });
  const Node* node = root.find(scenario.machine.memory_integrity ? "machine" : "machines");
  if (wanted && node)
    reader.mistake(node->mark, "memory_integrity: required, and the guest is Linux, which has no such thing");
}

void check_machine_keys(Reader& reader, const Scenario& scenario) {
  if (!scenario.guest || scenario.guest->os != Os::windows) return;
  const auto check = [&](const Machine& machine) {
    if (!machine.keys.empty())
      reader.mistake(machine.keys.front().mark, "keys: the guest is Windows, which does not read shim's list",
                     "let it trust a certificate of the package's by driver.certificate");
  };
  check(scenario.machine);
  for (const auto& machine : scenario.machines) check(machine);
}

const char* to_string(Network network) {
  switch (network) {
    case Network::none:
      return "none";
    case Network::isolated:
      return "isolated";
  }
  return "";
}

}  // namespace labctl::scenario
