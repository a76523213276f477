#include "labctl/host/doctor.h"
#include "labctl/base/json.h"
#include "labctl/cli/answer.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/store.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/host/needs.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/machine/machine.h"
#include "labctl/reproduction/kept_machines.h"

namespace labctl::cli {
namespace {

struct DoctorOptions {
  std::string scenario;
  Settings settings;
  bool json = false;
};

struct GcOptions {
  bool kept = false;
};

host::Check acceleration(const host::Paths& paths) {
  auto host = machine::open_host({.runtime = paths.runtime, .cache = paths.cache});
  if (!host) return {"acceleration", host::Health::error, host.error().what, host.error().hint};
  const auto& facts = (*host)->facts();
  return {"acceleration",
          facts.accel == machine::Accel::kvm ? host::Health::ok : host::Health::warning,
          std::string(machine::to_string(facts.accel)) + " (" + facts.hypervisor + "): " + facts.accel_reason,
          {}};
}

host::Check images(const host::Paths& paths) {
  const auto store = open_store(paths);
  const auto recipes = store.recipes();
  if (!recipes) return {"images", host::Health::error, recipes.error().text(), recipes.error().hint};
  const auto built = std::count_if(recipes->begin(), recipes->end(),
                                   [&](const auto& recipe) { return store.find(recipe.name).has_value(); });
  return host::check_images(recipes->size(), static_cast<std::size_t>(built));
}

const char* word(host::Health health) {
  switch (health) {
    case host::Health::ok:
      return "ok";
    case host::Health::warning:
      return "warning";
    case host::Health::error:
      return "error";
  }
  return "?";
}

bool has_error(const std::vector<host::Check>& checks) {
  return std::any_of(checks.begin(), checks.end(),
                     [](const auto& check) { return check.health == host::Health::error; });
}

std::string as_text(const std::vector<host::Check>& checks) {
  std::string text;
  for (const auto& check : checks) {
    text += std::string(word(check.health)) + "\t" + check.name + ": " + check.detail + "\n";
    if (!check.fix.empty()) text += fmt::format("\t  fix: {}\n", check.fix);
  }
  return text;
}

Json as_json(const std::vector<host::Check>& checks) {
  Json list = Json::array();
  for (const auto& check : checks)
    list.push_back(
        {{"name", check.name}, {"health", word(check.health)}, {"detail", check.detail}, {"fix", check.fix}});
  return {{"checks", list}};
}

int doctor(const DoctorOptions& options) {
  const auto found = host::paths();
  if (!found) return report_error(found.error());
  const host::Paths& paths = *found;
  auto checks = host::check_host(paths);
  std::vector<host::Check> staged;
  if (!options.scenario.empty()) {
    const auto variables = options.settings.variables();
    if (!variables) return report_error(variables.error());
    auto loaded = load_plan_here(options.scenario, *variables, {}, {}, today(), Unbuilt::stay_open);
    if (!loaded) return exit_code::bad_input;
    const auto& plan = loaded->second;
    staged = lab::check_artifacts(plan, options.scenario, open_store(paths));
    const auto needs = host::check_needs(host::needs_of(plan), host::free_space_for_guests(paths));
    checks.insert(checks.end(), needs.begin(), needs.end());
  }
  const bool lacking = has_error(checks);
  if (!lacking) checks.push_back(acceleration(paths));
  checks.push_back(images(paths));
  for (auto& check : staged) checks.push_back(std::move(check));
  if (options.json)
    print_json(dump_pretty(as_json(checks)));
  else
    print(as_text(checks) +
          (lacking ? fmt::format("everything at once: {}\n", host::install_command()) : ""));
  return has_error(checks) ? exit_code::no_verdict : exit_code::passed;
}

int gc(const GcOptions& options) {
  const auto found = host::paths();
  if (!found) return report_error(found.error());
  const host::Paths& paths = *found;
  auto collected = gate::collect_garbage(paths, open_store(paths), options.kept);
  answer("done", collected.done);
  for (const auto& line : collected.done) print(line + "\n");
  for (const auto& problem : collected.problems) report_error(problem);
  if (collected.done.empty() && collected.problems.empty()) print("nothing to do\n");
  std::uint64_t bytes = 0;
  for (const auto& machine : reproduction::KeptMachines(paths.kept).all()) {
    bytes += machine.bytes;
    answer_more("kept", {{"made", machine.made},
                         {"bytes", machine.bytes},
                         {"cell", machine.cell},
                         {"step", machine.checkpoint.step}});
    print(fmt::format("kept since {}, {}: {} before '{}'\n", machine.made, show_size(machine.bytes),
                      machine.cell, printable(machine.checkpoint.step, 80)));
  }
  if (bytes != 0) print(fmt::format("labctl gc --kept would free {}\n", show_size(bytes)));
  return collected.problems.empty() ? exit_code::passed : exit_code::no_verdict;
}

}  // namespace

void add_doctor(CommandLine& command_line) {
  const auto options = std::make_shared<DoctorOptions>();
  auto verb = command_line.verb(
      "doctor",
      {.summary = "Check this host for missing prerequisites and print the command that fixes each",
       .group = group::upkeep,
       .examples = "labctl doctor\nlabctl doctor scenarios/quickstart.yaml",
       .exit_codes = "0    nothing is missing; warnings do not count\n"
                     "2    bad scenario or usage\n"
                     "3    a prerequisite is missing"},
      options, doctor);
  verb.option("SCENARIO", options->scenario,
              "Also check its images and artifacts, and its matrix's disk and memory");
  options->settings.add_to(verb);
  verb.flag("--json", options->json, "For programs");
}

void add_gc(CommandLine& command_line) {
  const auto options = std::make_shared<GcOptions>();
  auto verb = command_line.verb(
      "gc",
      {.summary = "Clean up after killed runs: stop orphaned guests, free disk space, list kept machines",
       .group = group::upkeep,
       .examples = "labctl gc\nlabctl gc --kept",
       .exit_codes = "0    done, or nothing to do\n"
                     "2    bad usage\n"
                     "3    something could not be removed"},
      options, gc);
  verb.flag("--kept", options->kept, "Remove the kept machines too");
  verb.json();
}

}  // namespace labctl::cli
