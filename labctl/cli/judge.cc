#include "labctl/bundle/judge.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/report/report.h"

namespace labctl::cli {
namespace {

struct JudgeOptions {
  std::string bundle;
  bool json = false;
};

int judge(const JudgeOptions& options) {
  const auto& [bundle, json] = options;
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return report_error(judged.error());
  if (json)
    print_json(judged->verdict_json);
  else
    print_as_is(report::summary(judged->verdict, judged->run.plan,
                                {.colour = use_colour(1), .width = break_width()}));
  int code = judged->verdict.exit_code();
  std::error_code problem;
  if (!std::filesystem::exists(std::filesystem::path(bundle) / "verdict.json", problem)) {
    say("labctl: note: the bundle has no verdict.json yet: its run did not end");
  } else if (auto same = bundle::check_verdict_json(bundle, *judged); !same) {
    // A bundle that contradicts itself opens nothing; what blocks, blocks as it did.
    report_error(same.error());
    if (code == exit_code::passed) code = exit_code::no_verdict;
  }
  return code;
}

}  // namespace

void add_judge(CommandLine& command_line) {
  const auto options = std::make_shared<JudgeOptions>();
  auto verb = command_line.verb(
      "judge",
      {.summary = "Derive the verdict of a bundle again from its recorded events",
       .group = group::judging,
       .examples = "labctl judge reports/runs/20261122T003338Z-quickstart\n"
                   "labctl judge reports/runs/20261122T003338Z-quickstart --json",
       .exit_codes = "0    passed: every cell and every boot was proved\n"
                     "1    blocked: a guest crashed, hung, did not load the driver or changed its bytes\n"
                     "2    not a bundle, or bad usage\n"
                     "3    no verdict: the lab failed; this blocks publishing too\n"
                     "4    nothing ran: not one cell was started\n"
                     "130  the run was interrupted"},
      options, judge);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.flag("--json", options->json, "Print verdict.json");
}

}  // namespace labctl::cli
