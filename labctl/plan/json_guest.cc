#include "labctl/plan/json_guest.h"

#include <fmt/core.h>

#include <set>

#include "labctl/base/certificate.h"
#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/plan/background.h"
#include "labctl/plan/windows.h"
#include "labctl/scenario/devices.h"
#include "labctl/scenario/names.h"

namespace labctl::plan {
namespace {

using In = JsonObject;
using scenario::DriverKind;
using scenario::Guest;

constexpr DriverKind driver_kinds[] = {DriverKind::deb,    DriverKind::rpm, DriverKind::kmod,
                                       DriverKind::script, DriverKind::inf, DriverKind::service,
                                       DriverKind::msi,    DriverKind::dkms};
constexpr scenario::Loads all_loads[] = {scenario::Loads::at_install, scenario::Loads::at_boot,
                                         scenario::Loads::on_use};
constexpr scenario::Os systems[] = {scenario::Os::linux_, scenario::Os::windows};
constexpr scenario::Network networks[] = {scenario::Network::none, scenario::Network::isolated};

// The texts, and what limits them in a list as long.
void add_exercise(Json& json, const std::vector<scenario::Command>& commands) {
  Json texts = Json::array(), limits = Json::array();
  bool limited = false;
  for (const auto& command : commands) {
    texts.push_back(command.run);
    limits.push_back({{"within_ms", command.within.count()}});
    limited |= command.within > Millis(0);
  }
  json["exercise"] = std::move(texts);
  if (limited) json["exercise_limits"] = std::move(limits);
}

bool is_any_label(std::string_view text) { return scenario::is_label(text, scenario::longest_made_label); }

void check_names(In& in, const Guest& guest) {
  const bool windows = guest.os == scenario::Os::windows;
  for (const std::string& module : guest.driver.modules)
    if (!(windows ? scenario::is_service_name(module) : scenario::is_module_name(module)))
      in.wrong(windows ? "module: not a service's name" : "module: not a module name");
  for (const auto& option : guest.driver.options)
    if (!scenario::is_module_option(option)) in.wrong("options: not a module parameter");
  if (!guest.driver.start.empty() && !scenario::is_service_start(guest.driver.start))
    in.wrong("start: unknown word");
}

std::string read_guest_path(In& in, const char* key, bool windows) {
  std::string path = in.text(key);
  const std::string fault = scenario::fault_of_content_path(path, windows);
  if (!scenario::is_one_line(path) || !fault.empty())
    in.wrong(fmt::format("{}: not the path of a file in the guest", key));
  return path;
}

std::vector<std::string> read_services(In& in) {
  std::vector<std::string> services = in.texts("services");
  for (const auto& service : services)
    if (!scenario::is_unit_name(service)) in.wrong("services: not a unit's name");
  return services;
}

// Earlier plans know of one.
std::vector<std::string> read_modules(In& in) {
  const std::string first = in.text("module");
  std::vector<std::string> modules;
  if (in.has("modules"))
    modules = in.texts("modules");
  else if (!first.empty())
    modules = {first};
  if (in.has("modules") && (modules.size() < 2 || modules.front() != first))
    in.wrong("modules: not the module and more");
  if (std::set<std::string>(modules.begin(), modules.end()).size() != modules.size())
    in.wrong("modules: one is here twice");
  return modules;
}

std::vector<scenario::Command> read_exercise(In& in) {
  std::vector<scenario::Command> commands;
  for (auto& text : in.texts("exercise")) commands.push_back({.run = std::move(text)});
  if (!in.has("exercise_limits")) return commands;
  std::size_t next = 0;
  in.each("exercise_limits", [&](In& entry) {
    if (next < commands.size()) commands[next].within = read_within(entry);
    ++next;
  });
  if (next != commands.size()) in.wrong("exercise_limits: not one for each command");
  return commands;
}

}  // namespace

std::string read_name(JsonObject& in, const char* key, bool (*good)(std::string_view), const char* what) {
  std::string name = in.text(key);
  if (!name.empty() && !good(name)) in.wrong(fmt::format("{}: not {}", key, what));
  return name;
}

std::string read_label(JsonObject& in, const char* key) {
  return read_name(in, key, is_any_label, "a label");
}

std::string read_path(JsonObject& in, const char* key) {
  return read_name(in, key, scenario::is_one_line, "a path");
}

void add_within(Json& json, Millis within) {
  if (within > Millis(0)) json["within_ms"] = within.count();
}

Millis read_within(In& in) {
  if (!in.has("within_ms")) return Millis(0);
  return Millis(in.number("within_ms", 0, scenario::longest_within.count()));
}

Json guest_json(const Guest& guest) {
  Json json = {{"driver",
                {{"kind", to_string(guest.driver.kind)},
                 {"module", guest.driver.modules.empty() ? std::string() : guest.driver.modules.front()},
                 {"options", guest.driver.options},
                 {"install", guest.driver.install},
                 {"remove", guest.driver.remove}}}};
  if (guest.os == scenario::Os::windows) {
    json["os"] = to_string(guest.os);
    add_windows(json, guest);
  }
  add_within(json["driver"], guest.driver.within);
  if (guest.driver.loads != scenario::Loads::at_install)
    json["driver"]["loads"] = to_string(guest.driver.loads);
  if (guest.driver.modules.size() > 1) json["driver"]["modules"] = guest.driver.modules;
  if (!guest.driver.services.empty()) json["driver"]["services"] = guest.driver.services;
  if (!guest.driver.bpf.empty()) json["driver"]["bpf"] = guest.driver.bpf;
  if (guest.content) {
    json["content"] = {{"path", guest.content->path}, {"apply", guest.content->apply}};
    add_within(json["content"], guest.content->within);
    if (!guest.content->unproved.empty()) json["content"]["unproved"] = guest.content->unproved;
  }
  add_exercise(json, guest.exercise);
  add_background(json, guest.background);
  json["proof"] = Json::array();
  for (const auto& proof : guest.proof) {
    Json entry = {{"run", proof.run}};
    if (proof.prints) entry["prints"] = *proof.prints;
    entry["exit"] = proof.exit_code;
    add_within(entry, proof.within);
    json["proof"].push_back(std::move(entry));
  }
  return json;
}

Json machine_json(const scenario::Machine& machine) {
  Json json = {{"name", machine.name},
               {"vcpus", machine.vcpus},
               {"memory", machine.memory},
               {"cpu", machine.cpu},
               {"firmware", to_string(machine.firmware)},
               {"disk", to_string(machine.disk)}};
  // There only when there is something to say.
  if (machine.network != scenario::Network::none) json["network"] = to_string(machine.network);
  if (!machine.cmdline.empty()) json["cmdline"] = machine.cmdline;
  if (machine.disk_size != 0) json["disk_size"] = machine.disk_size;
  if (!machine.devices.empty()) json["devices"] = machine.devices;
  if (machine.memory_integrity) json["memory_integrity"] = true;
  for (const auto& key : machine.keys)
    json["keys"].push_back({{"path", key.path},
                            {"sha256", sha256(key.certificate)},
                            {"certificate", base64_encode(key.certificate)}});
  return json;
}

Guest read_guest(In in) {
  Guest guest;
  In driver = in.object("driver");
  guest.driver.kind = driver.kind("kind", driver_kinds);
  guest.driver.modules = read_modules(driver);
  guest.driver.options = driver.texts("options");
  guest.driver.install = driver.text("install");
  guest.driver.remove = driver.text("remove");
  if (in.has("os")) {
    guest.os = in.kind("os", systems);
    read_windows(in, driver, guest);
  }
  check_names(driver, guest);
  if (in.has("content")) {
    In content = in.object("content");
    guest.content = {read_guest_path(content, "path", guest.os == scenario::Os::windows),
                     content.text("apply"), read_within(content), content.text_or("unproved", "")};
  }
  guest.driver.within = read_within(driver);
  if (driver.has("loads")) guest.driver.loads = driver.kind("loads", all_loads);
  if (driver.has("services")) guest.driver.services = read_services(driver);
  if (driver.has("bpf")) guest.driver.bpf = driver.texts("bpf");
  for (const auto& program : guest.driver.bpf)
    if (!scenario::is_bpf_name(program)) driver.wrong("bpf: not a program's name");
  guest.exercise = read_exercise(in);
  guest.background = read_background(in);
  in.each("proof", [&](In& entry) {
    scenario::Proof proof;
    proof.run = entry.text("run");
    if (entry.has("prints")) proof.prints = entry.text("prints");
    proof.exit_code = static_cast<int>(entry.number("exit", 0, 255));
    proof.within = read_within(entry);
    guest.proof.push_back(std::move(proof));
  });
  return guest;
}

static void read_keys(In& in, scenario::Machine& machine) {
  in.each("keys", [&](In& entry) {
    scenario::MachineKey key{.path = read_path(entry, "path")};
    const auto bytes = base64_decode(entry.text("certificate"), largest_certificate);
    key.certificate = bytes.value_or("");
    if (!bytes || sha256(key.certificate) != entry.text("sha256"))
      entry.wrong("certificate: not the one of its digest");
    machine.keys.push_back(std::move(key));
  });
  if (machine.keys.size() > scenario::most_machine_keys) in.wrong("keys: too many");
  if (machine.firmware != Firmware::uefi_secure) in.wrong("keys: the firmware has no Secure Boot");
}

scenario::Machine read_machine(In in) {
  scenario::Machine machine;
  machine.name = read_label(in, "name");
  machine.vcpus = static_cast<int>(in.number("vcpus", 1, scenario::most_vcpus));
  machine.memory =
      static_cast<std::uint64_t>(in.number("memory", scenario::least_memory, scenario::most_memory));
  machine.cpu = read_name(in, "cpu", scenario::is_cpu_model, "a CPU model");
  machine.firmware = in.kind("firmware", all_firmware);
  machine.disk = in.kind("disk", all_disk_buses);
  if (in.has("network")) machine.network = in.kind("network", networks);
  if (in.has("cmdline")) machine.cmdline = in.texts("cmdline");
  for (const auto& option : machine.cmdline)
    if (!scenario::is_kernel_option(option)) in.wrong("cmdline: not an option of a kernel's command line");
  if (in.has("disk_size"))
    machine.disk_size =
        static_cast<std::uint64_t>(in.number("disk_size", scenario::least_disk, scenario::most_disk));
  if (in.has("devices")) machine.devices = in.texts("devices");
  machine.memory_integrity = in.has("memory_integrity") && in.flag("memory_integrity");
  if (in.has("keys")) read_keys(in, machine);
  if (machine.devices.size() > scenario::most_devices) in.wrong("devices: too many");
  for (const auto& device : machine.devices)
    if (!scenario::is_device(device)) in.wrong("devices: not a device that labctl can add");
  return machine;
}

}  // namespace labctl::plan
