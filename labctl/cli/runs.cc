#include "labctl/cli/runs.h"

#include <fmt/core.h>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/answer_run.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/gate/run.h"
#include "labctl/report/report.h"

namespace labctl::cli {

void RunPlace::add_out_to(Verb& verb) {
  verb.option("--out", out, "Where the bundle goes", {.value = "DIR", .show_default = true});
}

void RunPlace::add_to(Verb& verb) {
  host.add_to(verb);
  signing.add_to(verb);
}

Result<outcome::ScenarioRecord> scenario_record(const std::string& file, const Settings& settings) {
  const auto variables = settings.variables();
  if (!variables) return fail(variables.error());
  std::error_code ignored;
  return outcome::ScenarioRecord{.file = file,
                                 .path = fs::absolute(file, ignored).lexically_normal().string(),
                                 .text = {},
                                 .set = {variables->begin(), variables->end()},
                                 .only = {}};
}

int run_there(const RunPlace& place, const gate::RunOrder& order, const End& end) {
  return on_this_host(
      place.host, "ending the guests and keeping what they left",
      [&](const gate::Environment& environment, gate::Observer& observer) {
        auto result = gate::run(order, environment, observer);
        if (!result) return report_error(result.error());
        answer_run(result->bundle, result->judged);
        answer("interrupted", result->interrupted);
        print_as_is(report::summary(result->judged.verdict, result->judged.run.plan,
                                    {.colour = use_colour(1), .width = break_width()}));
        print(fmt::format("bundle: {}\n", result->bundle.string()));
        return end(*result);
      },
      place.open_host);
}

}  // namespace labctl::cli
