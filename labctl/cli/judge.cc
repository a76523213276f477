#include "labctl/cli/cli.h"
#include "labctl/lab/bundle.h"
#include "labctl/report/report.h"

namespace labctl::cli {

int judge(const std::string& bundle, bool json) {
  auto judged = lab::judge_bundle(bundle);
  if (!judged) return complain(judged.error());
  print(json ? judged->verdict_json
             : report::summary(judged->verdict, judged->plan, {.colour = use_colour(1)}));
  return judged->verdict.exit_code();
}

}  // namespace labctl::cli
