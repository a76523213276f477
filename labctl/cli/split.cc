// labctl split: a scenario into shards that many hosts run.
#include <fmt/core.h>

#include <filesystem>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/runs.h"
#include "labctl/gate/split.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct SplitOptions {
  std::string scenario;
  Settings settings;
  std::string only;
  std::string waivers;
  std::string out = "gate";
  unsigned shards = 0;  // 0: one for each image on each machine
};

// Complains by itself and gives nothing when there is a mistake.
std::optional<gate::SplitOrder> read_order(const SplitOptions& options) {
  auto scenario = scenario_record(options.scenario, options.settings);
  if (!scenario) {
    report_error(scenario.error());
    return std::nullopt;
  }
  auto waivers = read_waivers(options.waivers);
  if (!waivers) return std::nullopt;
  auto loaded = load_plan_here(options.scenario, {scenario->set.begin(), scenario->set.end()}, options.only,
                               waivers->entries);
  if (!loaded) return std::nullopt;
  scenario->text = loaded->first.text;
  scenario->only = options.only;
  return gate::SplitOrder{.plan = std::move(loaded->second),
                          .scenario = std::move(*scenario),
                          .waivers = {options.waivers, std::move(waivers->text)},
                          .out = options.out,
                          .shards = options.shards};
}

int split(const SplitOptions& options) {
  const auto order = read_order(options);
  if (!order) return exit_code::bad_input;
  for (const auto& note : order->plan.notes) say(fmt::format("labctl: note: {}", note));
  return on_this_host({}, "ending", [&](const gate::Environment& environment, gate::Observer&) {
    auto made = gate::split_run(*order, environment);
    if (!made) return report_error(made.error());
    const std::string file = (fs::path(options.out) / bundle::split_name).string();
    for (std::size_t i = 0; i < made->shards.size(); ++i) {
      const auto part = plan::part_of(made->plan, made->shards[i]);
      std::vector<std::string> bases;
      for (const auto* base : part.bases())
        bases.push_back(base->image + (base->machine.name.empty()
                                           ? ""
                                           : fmt::format(" on machine {}", base->machine.name)));
      answer_more("shards", {{"index", i}, {"cells", part.cells.size()}, {"images", bases}});
      print(fmt::format("shard {}: {} cells: {}\n", i, part.cells.size(), join(bases, ", ")));
    }
    answer("file", file);
    print(fmt::format("split: {}\n", file));
    say(fmt::format("labctl: run each:  labctl shard run {} --index N   (0-{})", shell_quote(file),
                    made->shards.size() - 1));
    say(fmt::format("labctl: then:      labctl merge {}", shell_quote(file)));
    return exit_code::passed;
  });
}

}  // namespace

void add_split(CommandLine& command_line) {
  const auto options = std::make_shared<SplitOptions>();
  auto verb = command_line.verb(
      "split",
      {.summary = "Divide a scenario into shards for many hosts",
       .group = group::judging,
       .examples = "labctl split scenarios/quickstart.yaml --out gate\n"
                   "labctl split gate.yaml --out /shared/gate --shards 10",
       .exit_codes = "0    the folder holds the split\n"
                     "2    the scenario has a mistake, the folder holds a split already, or bad usage\n"
                     "3    this host lacks an image, or the folder cannot be written"},
      options, split);
  verb.option("SCENARIO", options->scenario, "The scenario file", {.required = true});
  options->settings.add_to(verb);
  verb.option("--only", options->only, "Only cells whose id matches; a partial run can never pass",
              {.value = "GLOB"});
  verb.option("--waivers", options->waivers,
              "File of waivers: accepted findings, each with an owner and an expiry date", {.value = "FILE"});
  verb.option("--out", options->out, "The folder that all hosts share, or are given a copy of",
              {.value = "DIR", .show_default = true});
  verb.option("--shards", options->shards,
              "Number of shards (default: one for each image on each machine, which is the most)",
              {.value = "N", .between = {1, 1000}});
  verb.json();
}

}  // namespace labctl::cli
