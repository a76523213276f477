#include "labctl/cli/driver_folders.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "labctl/base/text.h"
#include "labctl/guest/guest.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> packages_in(const std::string& folder, const fs::path& base,
                                             const scenario::Driver& driver, const std::string& where) {
  const std::string suffix = fs::path(guest::driver_file(driver)).extension();
  const bool any = driver.kind == scenario::DriverKind::script;
  std::vector<std::string> names;
  std::error_code problem;
  for (fs::directory_iterator at(base / folder, problem), end; !problem && at != end; at.increment(problem))
    if (std::error_code none; at->is_regular_file(none) && (any || at->path().extension() == suffix))
      names.push_back(at->path().filename().string());
  if (problem) return input_error(fmt::format("cannot be read: {}: {}", problem.message(), folder), where);
  if (names.empty())
    return input_error(
        fmt::format("the driver's folder has no file that ends in {}: {}", any ? "anything" : suffix, folder),
        where, "build it, or correct the path, which is relative to the scenario's folder");
  std::sort(names.begin(), names.end());
  for (auto& name : names) name = folder + (folder.ends_with('/') ? "" : "/") + name;
  return names;
}

}  // namespace

Result<plan::Plan> open_driver_folders(plan::Plan plan, const std::string& scenario_file) {
  const fs::path base = fs::path(scenario_file).parent_path();
  for (auto& cell : plan.cells) {
    const auto open = [&](std::string& path, std::vector<std::string>& with,
                          const scenario::Mark& mark) -> Status {
      std::error_code none;
      if (path.empty() || !with.empty() || !fs::is_directory(base / path, none)) return {};
      auto files = packages_in(path, base, cell.guest.driver, scenario::at(scenario_file, mark));
      if (!files) return fail(files.error());
      path = std::move(files->front());
      with.assign(std::make_move_iterator(files->begin() + 1), std::make_move_iterator(files->end()));
      return {};
    };
    if (auto opened = open(cell.driver_path, cell.driver_with, cell.driver_mark); !opened)
      return fail(opened.error());
    for (auto& extra : cell.extra_drivers)
      if (auto opened = open(extra.path, extra.with, extra.mark); !opened) return fail(opened.error());
  }
  return plan;
}

}  // namespace labctl::cli
