#include "labctl/cli/cli.h"
#include "labctl/lab/ground.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

// What it will cost, as far as this host knows: guest time at the images' measured boot times.
std::string cost(const plan::Plan& plan) {
  const auto store = open_store();
  Millis guest_time{0};
  int boots = 0;
  for (const auto& cell : plan.cells) boots += cell.boots_wanted();
  for (const auto& cell : plan.cells) {
    auto image = store.find(cell.image);
    const Millis boot = image ? lab::known_boot_time(store, *image) : Millis(0);
    if (boot.count() == 0)
      return std::to_string(boots) +
             " boots; how long they take is known once the images have run on this host\n";
    guest_time += cell.boots_wanted() * (boot + cell.settle);
  }
  return std::to_string(boots) + " boots, about " + show_duration(guest_time) +
         " of guest time at the boot times measured here; cells run in parallel\n";
}

}  // namespace

int plan(const PlanOptions& options) {
  auto loaded = load_plan(options.scenario, options.variables, options.only);
  if (!loaded) return exit_code::bad_input;
  if (options.json)
    print(dump_pretty(plan::to_json(loaded->second)));
  else
    print(report::plan_table(loaded->second) + cost(loaded->second));
  return exit_code::passed;
}

int validate(const std::vector<std::string>& scenarios, const scenario::Variables& variables) {
  int code = exit_code::passed;
  for (const auto& file : scenarios) {
    if (auto loaded = load_plan(file, variables, {}))
      print(file + ": ok, " + std::to_string(loaded->second.cells.size()) + " cells\n");
    else
      code = exit_code::bad_input;
  }
  return code;
}

}  // namespace labctl::cli
