#include "labctl/bundle/judge.h"
#include "labctl/bundle/bundle.h"
#include "labctl/cli/cli.h"
#include "labctl/report/report.h"

namespace labctl::cli {

int judge(const std::string& bundle, bool json) {
  auto judged = bundle::judge_bundle(bundle);
  if (!judged) return complain(judged.error());
  if (json)
    print_json(judged->verdict_json);
  else
    print_as_is(report::summary(judged->verdict, judged->run.plan, {.colour = use_colour(1)}));
  int code = judged->verdict.exit_code();
  std::error_code problem;
  if (!std::filesystem::exists(std::filesystem::path(bundle) / "verdict.json", problem)) {
    say("labctl: note: the bundle has no verdict.json yet: its run did not end");
  } else if (auto same = bundle::check_verdict_json(bundle, *judged); !same) {
    // A bundle that contradicts itself opens nothing; what blocks, blocks as it did.
    complain(same.error());
    if (code == exit_code::passed) code = exit_code::no_verdict;
  }
  return code;
}

}  // namespace labctl::cli
