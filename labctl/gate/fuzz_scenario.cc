#include "labctl/gate/fuzz_scenario.h"

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::gate {
namespace {

// A text of YAML's that has no variable but those that the guest's side fills in.
std::string plain(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') out += '$';
    out += text[i];
  }
  return out;
}

// Those of a plan are as the author wrote them, with ${content.sha256} still in them.
std::string with_digests(const std::string& text) {
  std::string out = plain(text);
  for (const char* name : {"content", "driver"}) {
    const std::string escaped = std::string("$${") + name + ".sha256}";
    for (auto at = out.find(escaped); at != out.npos; at = out.find(escaped, at)) out.erase(at, 1);
  }
  return out;
}

void add_within(Json& json, Millis within) {
  if (within > Millis(0)) json["within"] = std::to_string(within.count()) + "ms";
}

Json command_json(const scenario::Command& command) {
  if (command.within == Millis(0)) return plain(command.run);
  Json json{{"run", plain(command.run)}};
  add_within(json, command.within);
  return json;
}

Json driver_json(const scenario::Driver& driver) {
  Json json{{"kind", to_string(driver.kind)}};
  if (!driver.modules.empty()) json["modules"] = driver.modules;
  if (!driver.options.empty()) json["options"] = driver.options;
  if (!driver.install.empty()) json["install"] = plain(driver.install);
  if (!driver.remove.empty()) json["remove"] = plain(driver.remove);
  if (!driver.services.empty()) json["services"] = driver.services;
  if (driver.loads != scenario::Loads::at_install) json["loads"] = to_string(driver.loads);
  add_within(json, driver.within);
  return json;
}

Json content_json(const scenario::Content& content) {
  Json json{{"path", content.path}};
  if (!content.apply.empty()) json["apply"] = command_json({content.apply, content.within});
  if (!content.unproved.empty()) json["unproved"] = content.unproved;
  return json;
}

Json guest_json(const scenario::Guest& guest) {
  Json json{{"driver", driver_json(guest.driver)}, {"content", content_json(*guest.content)}};
  for (const auto& command : guest.exercise) json["exercise"].push_back(command_json(command));
  for (const auto& proof : guest.proof) {
    Json one{{"run", with_digests(proof.run)}};
    if (proof.prints) one["prints"] = with_digests(*proof.prints);
    if (proof.exit_code != 0) one["exit"] = proof.exit_code;
    add_within(one, proof.within);
    json["proof"].push_back(std::move(one));
  }
  return json;
}

Json machine_json(const scenario::Machine& machine) {
  Json json{{"vcpus", machine.vcpus},
            {"memory", std::to_string(machine.memory >> 20) + "MiB"},
            {"firmware", to_string(machine.firmware)},
            {"disk", to_string(machine.disk)},
            {"network", to_string(machine.network)}};
  if (!machine.cpu.empty()) json["cpu"] = machine.cpu;
  if (!machine.cmdline.empty()) json["cmdline"] = machine.cmdline;
  if (!machine.devices.empty()) json["devices"] = machine.devices;
  if (machine.memory_integrity) json["memory_integrity"] = "required";
  if (machine.disk_size != 0) json["disk_size"] = std::to_string(machine.disk_size >> 20) + "MiB";
  return json;
}

// As the hunt did it, and then the boot that every candidate needs.
Json story(const plan::Cell& cell, const FoundContent& found) {
  const bool exercised = !cell.guest.exercise.empty();
  Json steps{"install driver"};
  if (cell.guest.driver.loads == scenario::Loads::at_boot) steps.push_back("reboot");
  steps.push_back("apply content known");
  if (exercised) steps.push_back("exercise");
  steps.push_back(found.by_apply ? "apply content" : "place content");
  if (exercised && found.by_apply) steps.push_back("exercise");
  steps.push_back("reboot");
  if (exercised) steps.push_back("exercise");
  return steps;
}

}  // namespace

std::string scenario_text(const plan::Cell& cell, const std::vector<std::string>& driver,
                          const FoundContent& found) {
  Json files;
  for (const auto& file : driver) files.push_back(plain(file));
  std::string text = "# Content that a hunt made: it shows\n#   ";
  text += printable(found.title);
  text += found.at_boot ? "\n# at the next boot.\n" : "\n";
  text += "# The keys are as the hunted scenario had them; JSON is YAML as well.\n";
  const Json scenario{
      {"labctl", 1},
      {"name", "found-by-fuzz"},
      {"candidate",
       {{"driver", {{"candidate", files.size() == 1 ? files[0] : files}}},
        {"content", {{"candidate", plain(found.file)}, {"known", plain(found.good)}}}}},
      {"matrix", {{"image", {cell.image}}, {"driver", {"candidate"}}, {"content", {"candidate"}}}},
      {"machine", machine_json(cell.machine)},
      {"guest", {{"linux", guest_json(cell.guest)}}},
      {"story", story(cell, found)},
      {"settle", std::to_string(cell.settle.count()) + "ms"}};
  return text + dump_pretty(scenario) + "\n";
}

}  // namespace labctl::gate
