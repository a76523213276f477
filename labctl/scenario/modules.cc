// The kernel modules of a driver, and the files that it is made of.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

// "build/my-sensor.ko.xz" -> "my-sensor"
std::string file_stem(const std::string& path) {
  std::string stem = path.substr(path.find_last_of('/') + 1);
  for (const std::string suffix : {".xz", ".zst", ".gz", ".ko"}) {
    if (stem.size() > suffix.size() && stem.ends_with(suffix)) stem.resize(stem.size() - suffix.size());
  }
  return stem;
}

std::vector<std::string> all_files(const Artifact& artifact) {
  std::vector<std::string> paths = {artifact.path};
  paths.insert(paths.end(), artifact.with.begin(), artifact.with.end());
  return paths;
}

}  // namespace

std::optional<std::string> module_name(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  if (!is_module_name(text)) return std::nullopt;
  return text;
}

std::string module_of_file(const std::string& path) { return module_name(file_stem(path)).value_or(""); }

std::vector<std::string> modules_of_files(const Scenario& scenario, Mark mark, const std::string& what,
                                          Reader& reader) {
  std::vector<std::string> first;
  bool differ = false;
  for (const Artifact& artifact : scenario.drivers) {
    if (artifact.path.empty()) return {};  // has a mistake already
    std::vector<std::string> names;
    for (const std::string& path : all_files(artifact)) {
      const std::string stem = file_stem(path);
      const auto name = module_name(stem);
      if (!name) {
        reader.mistake(
            mark, fmt::format("{} has no 'module', and the file name {} is not one", what, quoted(stem)));
        return {};
      }
      if (std::find(names.begin(), names.end(), *name) != names.end()) {
        reader.mistake(artifact.mark, fmt::format("two files of {} hold a module {}", quoted(artifact.label),
                                                  quoted(*name)));
        return {};
      }
      names.push_back(*name);
    }
    differ |= !first.empty() && first != names;
    first = names;
  }
  return differ ? std::vector<std::string>{} : first;  // a cell's own files name its modules then
}

void check_files(const Scenario& scenario, const Node& node, const std::string& what, const Guest& guest,
                 Reader& reader) {
  const Driver& driver = guest.driver;
  const bool bare = driver.kind == DriverKind::kmod, windows = guest.os == Os::windows;
  if (driver.kind == DriverKind::service && driver.modules.size() > 1)
    reader.mistake(node.mark,
                   fmt::format("{}.services: a driver of kind service is one file and one service", what),
                   "name one service");
  for (const Artifact& artifact : scenario.drivers) {
    const std::size_t files = artifact.with.size() + 1;
    const std::string place = "candidate.driver." + printable(artifact.label, 60);
    if (windows && files > 1)
      reader.mistake(artifact.mark, fmt::format("{}: a driver for Windows is one file", place),
                     "pack the files: kind inf takes a zip");
    else if (bare && !driver.modules.empty() && !artifact.path.empty() && files != driver.modules.size())
      reader.mistake(artifact.mark,
                     fmt::format("{} has {}{}, and {}.modules names {}", place, files,
                                 files == 1 ? " file" : " files", what, driver.modules.size()),
                     "kind kmod takes one file for each module, in the same order");
  }
}

void check_options(const Node& node, const std::string& what, const Driver& driver, Reader& reader) {
  if (driver.modules.size() < 2) return;
  for (const std::string& option : driver.options) {
    const std::string module = option.substr(0, option.find_first_of(".="));
    const bool known = option.starts_with(module + ".") && driver.has(module);
    if (!known)
      reader.mistake(node.find("options")->mark,
                     fmt::format("{}.options: {} names none of the modules", what, quoted(option)),
                     suggest(module, driver.modules, "write MODULE.name=value"));
  }
}

}  // namespace labctl::scenario
