#include "labctl/scenario/starter.h"

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/text.h"

namespace labctl::scenario {
namespace {

// A text of YAML that means itself: no variable, no escape.
std::string quoted_yaml(const std::string& text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' || text[i] == '\\') out += '\\';
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{') out += '$';
    out += text[i];
  }
  out += '"';
  return out;
}

const char* word(DriverKind kind) {
  switch (kind) {
    case DriverKind::rpm:
      return "rpm";
    case DriverKind::kmod:
      return "kmod";
    case DriverKind::dkms:
      return "dkms";
    case DriverKind::script:
      return "script";
    default:
      return "deb";
  }
}

// A bare module whose file is called otherwise needs its name.
bool called_as_its_file(const Starter& starter) {
  std::string file = starter.driver.substr(starter.driver.rfind('/') + 1);
  file = file.substr(0, file.find(".ko"));
  std::replace(file.begin(), file.end(), '-', '_');
  return file == starter.module;
}

// An archive of modules: all of them, for the kernel that runs, in this boot and the next ones.
void add_install(const Starter& starter, std::string& text) {
  std::string modules = starter.module;
  for (const auto& name : starter.other_modules) modules += ' ' + name;
  text +=
      "      # How your users install it is yours to say; the archive is \"$LABCTL_DRIVER\".\n"
      "      install: >-\n"
      "        folder=/lib/modules/$(uname -r)/updates && mkdir -p $folder &&\n"
      "        tar -xf \"$LABCTL_DRIVER\" -C $folder && depmod &&\n"
      "        printf '%s\\n' ";
  text +=
      modules + " >/etc/modules-load.d/" + starter.name + ".conf &&\n        modprobe -a " + modules + "\n";
}

void add_modules(const Starter& starter, std::string& text) {
  if (starter.services_alone) {
    text += "      # module: NAME         # no module is in the package; one that its installation makes\n";
    return;
  }
  if (starter.kind == DriverKind::script && !starter.other_modules.empty()) {
    text += "      modules: [" + starter.module + ", " + join(starter.other_modules, ", ");
    text += "]   # each must be in memory after every boot\n";
    return;
  }
  if (starter.kind != DriverKind::kmod || starter.module.empty() || !called_as_its_file(starter)) {
    text += "      module: ";
    text += starter.module.empty() ? "\"${module}\"" : starter.module;
    text += "   # must be in memory after every boot\n";
  }
  if (starter.other_modules.empty()) return;
  constexpr std::size_t longest_line = 90;
  for (const auto& line : wrap("also in the package: " + join(starter.other_modules, ", "), longest_line, 2))
    text += "      # " + line + "\n";
}

void add_driver(const Starter& starter, std::string& text) {
  text += "    driver:\n      kind: ";
  text += word(starter.kind);
  text += "\n";
  if (starter.kind == DriverKind::script) add_install(starter, text);
  add_modules(starter, text);
  if (!starter.services.empty()) {
    text += "      service: [";
    text += join(starter.services, ", ");
    text += "]   # each must be active in every boot\n";
  }
  text += "      # loads: at-boot       # when installing it does not load it; or on-use, with an exercise\n";
}

constexpr const char* optional_parts =
    R"(    # content: {path: /var/lib/DRIVER/content.bin, apply: systemctl reload SERVICE}   # with candidate.content
    # exercise: [COMMAND]     # makes the driver work, in each boot; must end with status 0
    # proof:                  # what shows that the driver works, asked in each boot
    #   - {run: COMMAND, prints: "7.16"}
)";

}  // namespace

std::string starter_text(const Starter& starter) {
  std::string text = "# ";
  text += starter.about;
  text += "\n# Every key: docs/reference/scenario.md. What is commented out is optional.\nlabctl: 1\nname: ";
  text += starter.name;
  text += "\n\ncandidate:\n  driver:\n    candidate: ";
  text += starter.driver.empty() ? "\"${driver}\"" : quoted_yaml(starter.driver);
  text +=
      "   # relative to this file\n"
      "    # previous: OLD.deb     # the driver in the field: with it the matrix compares the two\n"
      "  # content: {candidate: content.bin}\n\n";
  for (const auto& note : starter.notes) text += "# " + note + "\n";
  text += "matrix:\n  image: [";
  text += join(starter.images, ", ");
  text += "]\n\nguest:\n  linux:\n";
  add_driver(starter, text);
  text += optional_parts;
  text += "\nstory: [install driver, reboot x3]\n";
  return text;
}

}  // namespace labctl::scenario
