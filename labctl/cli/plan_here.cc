#include "labctl/cli/plan_here.h"

#include <algorithm>

#include "labctl/cli/driver_folders.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/plan/kernels.h"

namespace labctl::cli {
namespace {

Result<plan::Plan> filled_here(plan::Plan plan, const std::string& file, Unbuilt unbuilt) {
  if (std::none_of(plan.cells.begin(), plan.cells.end(), plan::lacks_kernel)) return plan;
  const auto paths = host::paths();
  if (!paths) return fail(paths.error());
  const auto store = open_store(*paths);
  auto filled = plan::fill_kernels(
      std::move(plan), file, [&](const std::string& image) { return kernel_release_of(store, image); },
      unbuilt == Unbuilt::stay_open ? plan::Unknown::stays : plan::Unknown::is_a_mistake);
  if (!filled) return filled;
  return open_driver_folders(std::move(*filled), file);
}

}  // namespace

std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan_here(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers, Date day, Unbuilt unbuilt) {
  auto loaded = load_plan(file, variables, only, waivers, day);
  if (!loaded) return std::nullopt;
  auto plan = filled_here(std::move(loaded->second), file, unbuilt);
  if (!plan) {
    report_error(plan.error());
    return std::nullopt;
  }
  loaded->second = std::move(*plan);
  return loaded;
}

}  // namespace labctl::cli
