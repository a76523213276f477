// labctl validate: the text of scenarios, without a look at this host.

#include <fmt/core.h>

#include "labctl/base/json.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

struct ValidateOptions {
  std::vector<std::string> scenarios;
  Settings settings;
};

constexpr const char* exit_codes =
    "0    the scenario has no mistake\n"
    "2    the scenario has a mistake, or bad usage";

int validate(const ValidateOptions& options) {
  const auto variables = options.settings.variables();
  if (!variables) return report_error(variables.error());
  int code = exit_code::passed;
  for (const auto& file : options.scenarios) {
    auto loaded = load_plan(file, *variables, {});
    if (!loaded) {
      answer_more("scenarios", {{"file", file}, {"valid", false}});
      code = exit_code::bad_input;
      continue;
    }
    const auto& [scenario, plan] = *loaded;
    const auto warnings = plan::review(scenario, plan);
    answer_more("scenarios",
                {{"file", file}, {"valid", true}, {"cells", plan.cells.size()}, {"warnings", warnings}});
    print(fmt::format(
        "{}: ok, {} cells; only its text and meaning were checked, 'labctl plan' checks this "
        "host as well\n{}",
        file, plan.cells.size(), report::matrix_table(plan, plan::excluded(scenario), stdout_width())));
    print_warnings(file, warnings);
  }
  return code;
}

}  // namespace

void add_validate(CommandLine& command_line) {
  const auto options = std::make_shared<ValidateOptions>();
  auto verb = command_line.verb(
      "validate",
      {.summary = "Check the text of scenarios: every mistake with line and column",
       .group = group::judging,
       .examples = "labctl validate scenarios/quickstart.yaml scenarios/quickstart-blocked.yaml",
       .exit_codes = exit_codes},
      options, validate);
  verb.option("SCENARIO", options->scenarios, "Scenario files", {.required = true});
  options->settings.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
