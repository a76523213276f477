// The plan as JSON, and back. The way back reads a file that anybody may have changed: nothing is taken for
// granted and nothing throws.

#include "labctl/base/json.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/strict_json.h"
#include "labctl/plan/accept.h"
#include "labctl/plan/background.h"
#include "labctl/plan/plan.h"
#include "labctl/plan/windows.h"
#include "labctl/scenario/devices.h"
#include "labctl/scenario/names.h"

namespace labctl::plan {
namespace {

using In = JsonObject;
using scenario::Acceptance;
using scenario::As;
using scenario::Axes;
using scenario::Driver;
using scenario::DriverKind;
using scenario::Guest;
using scenario::Mark;
using scenario::Step;
using scenario::StepKind;

constexpr int version = 1;
constexpr StepKind step_kinds[] = {StepKind::install,   StepKind::place,    StepKind::apply,
                                   StepKind::exercise,  StepKind::reboot,   StepKind::cold_boot,
                                   StepKind::power_cut, StepKind::remove,   StepKind::run,
                                   StepKind::wait,      StepKind::wait_for, StepKind::reload};
constexpr scenario::Moment moments[] = {scenario::Moment::now, scenario::Moment::install,
                                        scenario::Moment::apply, scenario::Moment::boot};
constexpr scenario::Damage damages[] = {scenario::Damage::truncated, scenario::Damage::empty,
                                        scenario::Damage::zero, scenario::Damage::flipped,
                                        scenario::Damage::oversized};
constexpr DriverKind driver_kinds[] = {DriverKind::deb,    DriverKind::rpm, DriverKind::kmod,
                                       DriverKind::script, DriverKind::inf, DriverKind::service,
                                       DriverKind::msi,    DriverKind::dkms};
constexpr scenario::Loads all_loads[] = {scenario::Loads::at_install, scenario::Loads::at_boot,
                                         scenario::Loads::on_use};
constexpr scenario::Os systems[] = {scenario::Os::linux_, scenario::Os::windows};
constexpr scenario::Firmware firmwares[] = {scenario::Firmware::bios, scenario::Firmware::uefi,
                                            scenario::Firmware::uefi_secure};
constexpr scenario::DiskBus disks[] = {scenario::DiskBus::virtio, scenario::DiskBus::sata,
                                       scenario::DiskBus::nvme};
constexpr scenario::Network networks[] = {scenario::Network::none, scenario::Network::isolated};

Json mark_json(Mark mark) { return {{"line", mark.line}, {"column", mark.column}}; }

// There only when the author says it.
void add_within(Json& json, Millis within) {
  if (within > Millis(0)) json["within_ms"] = within.count();
}

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
  return json;
}

// What only some steps have is there only then.
Json step_json(const Step& step) {
  Json json = {{"kind", to_string(step.kind)}, {"text", step.text},   {"label", step.label},
               {"wait_ms", step.wait.count()}, {"times", step.times}, {"mark", mark_json(step.mark)}};
  if (step.kind == StepKind::run) json["exit"] = step.exit_code;
  if (step.prints) json["prints"] = *step.prints;
  if (step.kind == StepKind::power_cut) json["moment"] = to_string(step.moment);
  add_within(json, step.within);
  return json;
}

// `cells` is said by what stands around an expectation, and by the waiver itself.
Json acceptance_json(const Acceptance& entry) {
  return {{"title", entry.title},
          {"owner", entry.owner},
          {"reason", entry.reason},
          {"until", show_date(entry.until)}};
}

// There only when there is something to say.
void add_damage(Json& json, scenario::Damage damage, bool may_be_refused) {
  if (damage != scenario::Damage::none) json["damage"] = to_string(damage);
  if (may_be_refused) json["may_be_refused"] = true;
}

Json extras_json(const std::vector<Cell::Extra>& extras) {
  Json list = Json::array();
  for (const auto& extra : extras) {
    list.push_back({{"label", extra.label}, {"path", extra.path}, {"mark", mark_json(extra.mark)}});
    add_damage(list.back(), extra.damage, extra.may_be_refused);
    if (!extra.with.empty()) list.back()["with"] = extra.with;
  }
  return list;
}

Json policy_json(const scenario::Policy& policy) {
  Json json{{"warnings_fail", policy.warnings_fail}, {"lab_retries", policy.lab_retries}};
  if (policy.new_errors_fail) json["new_errors_fail"] = true;
  return json;
}

Json cell_json(const Cell& cell) {
  Json expect = Json::array();
  for (const auto& entry : cell.accepted)
    if (entry.as == As::expected) expect.push_back(acceptance_json(entry));
  Json axes = Json::array();
  for (const auto& [axis, value] : cell.axes) axes.push_back({{"axis", axis}, {"value", value}});
  Json story = Json::array();
  for (const Step& step : cell.story) story.push_back(step_json(step));
  Json json = {{"id", cell.id},
               {"control", cell.control},
               {"image", cell.image},
               {"driver", cell.driver},
               {"content", cell.content},
               {"driver_path", cell.driver_path},
               {"content_path", cell.content_path},
               {"driver_mark", mark_json(cell.driver_mark)},
               {"content_mark", mark_json(cell.content_mark)},
               {"axes", std::move(axes)},
               {"machine", machine_json(cell.machine)},
               {"guest", guest_json(cell.guest)},
               {"story", std::move(story)},
               {"settle_ms", cell.settle.count()},
               {"policy", policy_json(cell.policy)},
               {"extra_drivers", extras_json(cell.extra_drivers)},
               {"extra_contents", extras_json(cell.extra_contents)},
               {"expect", std::move(expect)}};
  add_damage(json, cell.content_damage, cell.content_may_be_refused);
  if (!cell.driver_with.empty()) json["driver_with"] = cell.driver_with;
  if (!cell.kernel.empty()) json["kernel"] = cell.kernel;
  return json;
}

Mark read_mark(In in) {
  constexpr int most = 1 << 24;
  Mark mark;
  mark.line = static_cast<int>(in.number("line", 0, most));
  mark.column = static_cast<int>(in.number("column", 0, most));
  return mark;
}

// What becomes a path, a word of a command line or an attribute of XML is held to the scenario's rules. Empty
// is none.
std::string read_name(In& in, const char* key, bool (*good)(std::string_view), const char* what) {
  std::string name = in.text(key);
  if (!name.empty() && !good(name)) in.wrong(fmt::format("{}: not {}", key, what));
  return name;
}

bool is_any_label(std::string_view text) { return scenario::is_label(text, scenario::longest_made_label); }
std::string read_label(In& in, const char* key) { return read_name(in, key, is_any_label, "a label"); }
std::string read_path(In& in, const char* key) { return read_name(in, key, scenario::is_one_line, "a path"); }

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

// Of the other files that a driver is made of.
std::vector<std::string> read_with(In& in, const char* key) {
  if (!in.has(key)) return {};
  std::vector<std::string> paths = in.texts(key);
  for (const auto& path : paths)
    if (!scenario::is_one_line(path)) in.wrong(fmt::format("{}: not a path", key));
  return paths;
}

Millis read_within(In& in) {
  if (!in.has("within_ms")) return Millis(0);
  return Millis(in.number("within_ms", 0, scenario::longest_within.count()));
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

scenario::Machine read_machine(In in) {
  scenario::Machine machine;
  machine.name = read_label(in, "name");
  machine.vcpus = static_cast<int>(in.number("vcpus", 1, scenario::most_vcpus));
  machine.memory =
      static_cast<std::uint64_t>(in.number("memory", scenario::least_memory, scenario::most_memory));
  machine.cpu = read_name(in, "cpu", scenario::is_cpu_model, "a CPU model");
  machine.firmware = in.kind("firmware", firmwares);
  machine.disk = in.kind("disk", disks);
  if (in.has("network")) machine.network = in.kind("network", networks);
  if (in.has("cmdline")) machine.cmdline = in.texts("cmdline");
  for (const auto& option : machine.cmdline)
    if (!scenario::is_kernel_option(option)) in.wrong("cmdline: not an option of a kernel's command line");
  if (in.has("disk_size"))
    machine.disk_size =
        static_cast<std::uint64_t>(in.number("disk_size", scenario::least_disk, scenario::most_disk));
  if (in.has("devices")) machine.devices = in.texts("devices");
  machine.memory_integrity = in.has("memory_integrity") && in.flag("memory_integrity");
  if (machine.devices.size() > scenario::most_devices) in.wrong("devices: too many");
  for (const auto& device : machine.devices)
    if (!scenario::is_device(device)) in.wrong("devices: not a device that labctl can add");
  return machine;
}

Step read_step(In& in) {
  Step step;
  step.kind = in.kind("kind", step_kinds);
  step.text = in.text("text");
  step.label = read_label(in, "label");
  step.wait = Millis(in.number("wait_ms", 0, 3'600'000));
  step.times = static_cast<int>(in.number("times", 1, 1000));
  if (step.kind == StepKind::run) step.exit_code = static_cast<int>(in.number("exit", 0, 255));
  if (in.has("prints")) step.prints = in.text("prints");
  if (step.kind == StepKind::power_cut) step.moment = in.kind("moment", moments);
  step.within = read_within(in);
  step.mark = read_mark(in.object("mark"));
  return step;
}

void read_damage(In& in, scenario::Damage& damage, bool& may_be_refused) {
  if (in.has("damage")) damage = in.kind("damage", damages);
  if (in.has("may_be_refused")) may_be_refused = in.flag("may_be_refused");
}

std::vector<Cell::Extra> read_extras(In& in, const char* key) {
  std::vector<Cell::Extra> extras;
  in.each(key, [&](In& entry) {
    extras.push_back({read_label(entry, "label"), read_path(entry, "path"), read_mark(entry.object("mark"))});
    read_damage(entry, extras.back().damage, extras.back().may_be_refused);
    extras.back().with = read_with(entry, "with");
  });
  return extras;
}

Date read_date(In& in, const char* key) {
  const std::string text = in.text(key);
  const auto date = parse_date(text);
  if (!date) in.wrong(fmt::format("{}: expected a day such as 2026-12-31", key));
  return date ? *date : Date{};
}

Acceptance read_acceptance(In& in, As as, std::vector<std::string> cells) {
  Acceptance entry{.as = as, .title = in.text("title"), .cells = std::move(cells)};
  entry.owner = in.text("owner");
  entry.reason = in.text("reason");
  entry.until = read_date(in, "until");
  return entry;
}

// Ids become folders of the bundle.
bool is_safe_id(const std::string& id) {
  if (id.empty() || id.size() > 200 || id.front() == '.' || id.front() == '-') return false;
  return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-") == std::string::npos;
}

std::pair<std::string, std::string> read_axis(In& in) {
  std::string axis = in.text("axis");
  const auto& known = scenario::axis_names;
  if (std::find(known.begin(), known.end(), axis) == known.end()) in.wrong("axis: unknown word");
  std::string value = axis == "image" ? read_name(in, "value", scenario::is_slug, "the name of an image")
                                      : read_label(in, "value");
  return {std::move(axis), std::move(value)};
}

Cell read_cell(In& in) {
  Cell cell;
  cell.id = in.text("id");
  if (!is_safe_id(cell.id)) in.wrong("id: not a cell id");
  cell.control = in.flag("control");
  cell.image = in.text("image");
  if (!scenario::is_slug(cell.image)) in.wrong("image: not the name of an image");
  cell.driver = read_label(in, "driver");
  cell.content = read_label(in, "content");
  cell.driver_path = read_path(in, "driver_path");
  cell.content_path = read_path(in, "content_path");
  cell.driver_with = read_with(in, "driver_with");
  if (in.has("kernel"))
    cell.kernel = read_name(in, "kernel", scenario::is_kernel_release, "a kernel's release");
  read_damage(in, cell.content_damage, cell.content_may_be_refused);
  cell.driver_mark = read_mark(in.object("driver_mark"));
  cell.content_mark = read_mark(in.object("content_mark"));
  in.each("axes", [&](In& axis) { cell.axes.push_back(read_axis(axis)); });
  cell.machine = read_machine(in.object("machine"));
  cell.guest = read_guest(in.object("guest"));
  in.each("story", [&](In& step) { cell.story.push_back(read_step(step)); });
  cell.settle = Millis(in.number("settle_ms", 0, 3'600'000));
  In policy = in.object("policy");
  cell.policy.warnings_fail = policy.flag("warnings_fail");
  cell.policy.new_errors_fail = policy.has("new_errors_fail") && policy.flag("new_errors_fail");
  cell.policy.lab_retries = static_cast<int>(policy.number("lab_retries", 0, 5));
  cell.extra_drivers = read_extras(in, "extra_drivers");
  cell.extra_contents = read_extras(in, "extra_contents");
  in.each("expect",
          [&](In& entry) { cell.accepted.push_back(read_acceptance(entry, As::expected, {cell.id})); });
  if (cell.boots_wanted() == 0) in.wrong("story: no boot in it");
  if (!cell.control && cell.driver.empty()) in.wrong("driver: empty in a cell that is not a control");
  return cell;
}

}  // namespace

Json to_json(const Plan& plan) {
  Json cells = Json::array();
  for (const Cell& cell : plan.cells) cells.push_back(cell_json(cell));
  Json waivers = Json::array();
  for (const Acceptance& waiver : plan.waivers) {
    waivers.push_back(acceptance_json(waiver));
    waivers.back()["cells"] = waiver.cells;
  }
  Json json = {{"labctl", version},
               {"scenario", plan.scenario},
               {"date", show_date(plan.date)},
               {"waivers", std::move(waivers)},
               {"cells", std::move(cells)},
               {"notes", plan.notes},
               {"left_out", plan.left_out}};
  if (plan.signatures)
    json["signatures"] = {{"file", plan.signatures->file}, {"text", plan.signatures->text}};
  return json;
}

Result<Plan> from_json(const Json& json, const std::string& where) {
  std::string fault;
  In in(json, "plan", fault);
  if (fault.empty() && in.number("labctl", 0, 1'000'000) != version && fault.empty()) {
    return input_error("this plan was written by another version of labctl", where,
                       "judge it with the labctl that made it");
  }
  Plan plan;
  plan.scenario = read_name(in, "scenario", scenario::is_slug, "a scenario's name");
  if (in.has("signatures")) {
    In signatures = in.object("signatures");
    plan.signatures = SignatureFile{read_path(signatures, "file"), signatures.text("text")};
  }
  plan.date = read_date(in, "date");
  in.each("waivers", [&](In& entry) {
    plan.waivers.push_back(read_acceptance(entry, As::waived, entry.texts("cells")));
    for (const auto& glob : plan.waivers.back().cells)
      if (!scenario::is_cell_glob(glob)) entry.wrong("cells: not the ids of cells");
  });
  std::set<std::string> ids;
  in.each("cells", [&](In& entry) {
    plan.cells.push_back(read_cell(entry));
    if (!ids.insert(plan.cells.back().id).second) entry.wrong("id: another cell has it too");
  });
  plan.notes = in.texts("notes");
  plan.left_out = in.texts("left_out");
  if (plan.cells.empty()) in.wrong("a plan without cells");
  if (!fault.empty()) return input_error(fault, where);
  place_waivers(plan);
  return plan;
}

}  // namespace labctl::plan
