// labctl plan: what would be run, what it would cost, and what a reviewer would ask.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/store.h"
#include "labctl/host/needs.h"
#include "labctl/host/paths.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/report/report.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::cli {
namespace {

struct PlanOptions {
  std::string scenario;
  Settings settings;
  std::string only;
  bool json = false;
};

constexpr const char* exit_codes =
    "0    the scenario has no mistake, and this host has what it needs\n"
    "2    the scenario has a mistake, or bad usage\n"
    "3    this host lacks an image, an artifact or space for it";

// As far as this host knows it; what it does not know is said and not guessed.
struct Cost {
  int boots = 0;        // asked for by the stories
  int cold_starts = 0;  // of cells whose machine cannot be restored from a snapshot
  Millis guest_time{0};
  host::Needs needs;  // while it runs
  std::vector<std::string> unknown;
  Json bases = Json::array();
};

std::string base_name(const std::string& image, const std::string& machine) {
  return image + (machine.empty() ? "" : fmt::format(" on machine {}", machine));
}
std::string base_name(const plan::Cell& cell) { return base_name(cell.image, cell.machine.name); }

std::string why_unknown(const Error& error) {
  return error.what + (error.hint.empty() ? "" : " (" + error.hint + ")");
}

Cost cost_of(const plan::Plan& plan) {
  const auto paths = host::paths();
  Cost cost;
  for (const auto* base : plan.bases()) {
    const auto shape = snapshot::shape_of(base->machine);
    const std::string booted_because = machine::why_no_snapshot(shape);
    const auto image = paths ? open_store(*paths).find(base->image) : fail(paths.error());
    const Millis boot = image ? snapshot::known_boot_time(open_store(*paths), *image, shape) : Millis(0);
    if (!image)
      cost.unknown.push_back(why_unknown(image.error()));
    else if (boot.count() == 0)
      cost.unknown.push_back(fmt::format("{} has not been booted on this host yet", base_name(*base)));
    for (const auto& cell : plan.cells) {
      if (!plan::same_machine(cell, *base)) continue;
      const int starts = booted_because.empty() ? 0 : 1;
      cost.boots += cell.boots_wanted();
      cost.cold_starts += starts;
      cost.guest_time += cell.boots_wanted() * (boot + cell.settle) + starts * boot;
    }
    cost.bases.push_back({{"image", base->image},
                          {"machine", base->machine.name},
                          {"start", booted_because.empty() ? "snapshot" : "boot"},
                          {"why", booted_because},
                          {"boot_time_ms", boot.count() == 0 ? Json() : Json(boot.count())}});
  }
  cost.unknown.erase(std::unique(cost.unknown.begin(), cost.unknown.end()), cost.unknown.end());
  cost.needs = host::needs_of(plan);
  return cost;
}

std::string show(const Cost& cost) {
  std::string text;
  for (const auto& base : cost.bases)
    if (text_at(base, "start") == "boot")
      text += fmt::format("{}: boots instead of being restored: {}\n",
                          base_name(text_at(base, "image"), text_at(base, "machine")), text_at(base, "why"));
  text += fmt::format("cost: {} boots", cost.boots);
  if (cost.cold_starts != 0) text += fmt::format(" and {} cold starts", cost.cold_starts);
  if (cost.unknown.empty())
    text += fmt::format(", about {} of guest time at the boot times measured here",
                        show_duration(cost.guest_time));
  text += fmt::format("; {} guests at once, up to {} of disk while it runs\n", cost.needs.at_once,
                      show_size(cost.needs.disk));
  for (const auto& what : cost.unknown) text += fmt::format("cost: the time is unknown: {}\n", what);
  return text;
}

Json to_json(const Cost& cost) {
  const bool known = cost.unknown.empty();
  return {{"boots", cost.boots},
          {"cold_starts", cost.cold_starts},
          {"guest_time_ms", known ? Json(cost.guest_time.count()) : Json()},
          {"guests_at_once", cost.needs.at_once},
          {"disk_bytes", cost.needs.disk},
          {"guest_memory_bytes", cost.needs.memory},
          {"grounds", cost.bases},
          {"unknown", cost.unknown}};
}

Json to_json(const std::vector<plan::Excluded>& excluded) {
  Json list = Json::array();
  for (const auto& entry : excluded) {
    Json axes = Json::object();
    for (const auto& [axis, value] : entry.axes) axes[axis] = value;
    list.push_back({{"line", entry.mark.line}, {"axes", axes}, {"cells", entry.cells}});
  }
  return list;
}

// What this host lacks for a run, or has too little of; and what is said of artifacts that it has.
struct OnHost {
  std::vector<host::Check> lacking;
  std::vector<std::string> notes;
};

OnHost look_at_host(const plan::Plan& plan, const std::string& file, const Cost& cost) {
  OnHost found;
  const auto paths = host::paths();
  if (!paths) return found;
  found.lacking = host::check_needs(cost.needs, host::free_space_for_guests(*paths));
  std::erase_if(found.lacking, [](const auto& check) { return check.health == host::Health::ok; });
  for (auto& check : lab::check_artifacts(plan, file, open_store(*paths)))
    if (check.health == host::Health::ok)
      found.notes.push_back(std::move(check.detail));
    else
      found.lacking.push_back(std::move(check));
  return found;
}

std::string in_words(const host::Check& check) {
  return check.name + ": " + check.detail + (check.fix.empty() ? "" : " (" + check.fix + ")");
}

Json to_json(const std::vector<host::Check>& checks) {
  Json list = Json::array();
  for (const auto& check : checks)
    if (check.health == host::Health::error)
      list.push_back({{"name", check.name}, {"detail", check.detail}, {"fix", check.fix}});
  return list;
}

int plan(const PlanOptions& options) {
  const auto variables = options.settings.variables();
  if (!variables) return report_error(variables.error());
  auto loaded = load_plan_here(options.scenario, *variables, options.only, {}, today(), Unbuilt::stay_open);
  if (!loaded) return exit_code::bad_input;
  const auto& [scenario, plan] = *loaded;
  const auto excluded = plan::excluded(scenario);
  const Cost cost = cost_of(plan);
  const auto [lacking, notes] = look_at_host(plan, options.scenario, cost);
  loaded->second.notes.insert(loaded->second.notes.end(), notes.begin(), notes.end());
  auto warnings = plan::review(scenario, plan);
  bool lacks_any = false;
  for (const auto& check : lacking) {
    lacks_any |= check.health == host::Health::error;
    if (check.health == host::Health::warning) warnings.push_back(in_words(check));
  }
  const int code = lacks_any ? exit_code::no_verdict : exit_code::passed;
  if (options.json) {
    Json json = plan::to_json(plan);
    json["excluded"] = to_json(excluded);
    json["cost"] = to_json(cost);
    json["lacking"] = to_json(lacking);
    json["warnings"] = warnings;
    print_json(dump_pretty(json));
    return code;
  }
  const std::size_t width = stdout_width();
  print(report::matrix_table(plan, excluded, width) + "\n" + report::plan_table(plan, width) + "\n" +
        report::proved_table(plan, width) + wrap_lines(show(cost), width, 2));
  print_warnings(options.scenario, warnings);
  for (const auto& check : lacking)
    if (check.health == host::Health::error) say(fmt::format("labctl: {}", in_words(check)));
  return code;
}

}  // namespace

void add_plan(CommandLine& command_line) {
  const auto options = std::make_shared<PlanOptions>();
  auto verb =
      command_line.verb("plan",
                        {.summary = "Show the matrix, and what this host lacks for it; nothing is run",
                         .group = group::judging,
                         .examples = "labctl plan scenarios/quickstart.yaml\n"
                                     "labctl plan scenarios/quickstart.yaml --json",
                         .exit_codes = exit_codes},
                        options, plan);
  verb.option("SCENARIO", options->scenario, "The scenario file", {.required = true});
  options->settings.add_to(verb);
  verb.option("--only", options->only, "Only cells whose id matches", {.value = "GLOB"});
  verb.flag("--json", options->json, "For programs");
}

}  // namespace labctl::cli
