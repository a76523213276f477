#include "labctl/cli/answer_run.h"

#include "labctl/base/json.h"
#include "labctl/bundle/judge.h"
#include "labctl/cli/answer.h"

namespace labctl::cli {

void answer_run(const std::filesystem::path& bundle, const bundle::Judged& judged) {
  if (!is_answering()) return;
  answer("bundle", bundle.string());
  if (auto verdict = parse_json(judged.verdict_json, "verdict.json")) answer("verdict", std::move(*verdict));
}

}  // namespace labctl::cli
