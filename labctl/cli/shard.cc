#include "labctl/cli/shard.h"

#include <fmt/format.h>

#include <map>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer_run.h"
#include "labctl/cli/output.h"
#include "labctl/report/report.h"
#include "labctl/scenario/signatures.h"

namespace labctl::cli {

namespace {

// A verdict that should have been signed and was not opens nothing.
int tell(const bundle::MergeResult& result, bool json) {
  const auto& verdict = result.judged.verdict;
  if (!json) answer_run(result.bundle, result.judged);
  if (json)
    print_json(result.judged.verdict_json);
  else
    print_as_is(fmt::format(
        "{}bundle: {}\n",
        report::summary(verdict, result.judged.run.plan, {.colour = use_colour(1), .width = break_width()}),
        printable(result.bundle.string())));
  // What is of no cell alone: shards that are absent or refused.
  if (!json)
    for (const auto& fault : result.judged.run.faults.value_or(std::vector<std::string>()))
      print(fmt::format("fault: {}\n", printable(fault)));
  for (const auto& problem : result.problems) report_error(problem);
  const int code = verdict.exit_code();
  if (result.is_signed) return code;
  report_error(because(result.is_signed.error(), "the verdict could not be signed").value());
  return code == exit_code::passed ? exit_code::no_verdict : code;
}

}  // namespace

Json shard_json(const outcome::RunRecord& run, const verdict::Verdict& verdict, int code,
                const std::string& bundle) {
  Json cells = Json::array();
  for (const auto& cell : verdict.cells)
    cells.push_back(
        {{"id", cell.cell}, {"outcome", outcome::to_string(cell.ending)}, {"reason", cell.reason}});
  const auto shard = run.shard.value_or(outcome::ShardRecord{});
  return {{"labctl", 1},        {"split", shard.split}, {"index", shard.index}, {"attempt", shard.attempt},
          {"node", shard.node}, {"bundle", bundle},     {"exit_code", code},    {"cells", std::move(cells)}};
}

std::string shard_text(const outcome::Split& split, int index, const verdict::Verdict& verdict) {
  std::map<std::string, int> counts;
  std::string lines;
  for (const auto& cell : verdict.cells) {
    const std::string ending = outcome::to_string(cell.ending);
    ++counts[ending];
    if (cell.ending != outcome::Ending::passed)
      lines += "  " + cell.cell + " " + ending + ": " + printable(cell.reason) + "\n";
  }
  std::string text = shard_name(split, index) + ":";
  for (const auto& [ending, count] : counts) text += " " + std::to_string(count) + " " + ending;
  return fmt::format("{}; the verdict is given by 'labctl merge'\n{}", text, lines);
}

const verdict::ShardAttempt* last_of(const std::vector<verdict::ShardAttempt>& attempts, int index) {
  const verdict::ShardAttempt* last = nullptr;
  for (const auto& attempt : attempts)
    if (attempt.index == index && (!last || last->attempt < attempt.attempt)) last = &attempt;
  return last;
}

Json status_json(int index, const verdict::ShardAttempt* last) {
  if (!last) return {{"index", index}, {"state", "never-began"}};
  const auto& run = last->record;
  const std::string state = last->lab_failed ? "lab-failed" : verdict::to_string(last->progress);
  Json json{{"index", index},
            {"state", state},
            {"attempt", last->attempt},
            {"node", run.shard ? run.shard->node : std::string()},
            {"began", run.began},
            {"ended", run.ended},
            {"last_sign", last->last_sign}};
  if (!last->unreadable.empty()) json["unreadable"] = last->unreadable;
  return json;
}

std::string status_line(const outcome::Split& split, int index, const verdict::ShardAttempt* last) {
  const std::string line = shard_name(split, index) + ": ";
  if (!last) return fmt::format("{}never began", line);
  const auto& run = last->record;
  const std::string node = run.shard ? printable(run.shard->node, 100) : std::string("unknown");
  const std::string on = fmt::format(" (attempt {}, {})", last->attempt, node);
  if (!last->unreadable.empty()) return fmt::format("{}its record cannot be read{}", line, on);
  if (last->lab_failed) return fmt::format("{}whole, and its lab failed{}", line, on);
  switch (last->progress) {
    case verdict::Progress::at_work:
      return fmt::format("{}at work since {}{}", line, printable(run.began, 40), on);
    case verdict::Progress::silent:
      return fmt::format("{}silent since {}{}", line, last->last_sign, on);
    case verdict::Progress::interrupted:
      return fmt::format("{}interrupted at {}{}", line, printable(run.ended, 40), on);
    case verdict::Progress::whole:
      return fmt::format("{}whole since {}{}", line, printable(run.ended, 40), on);
  }
  return line;
}

int merge_shards(const std::string& split_file, const std::string& out, bool json,
                 const SigningOptions& signing) {
  auto split = bundle::read_split_file(split_file);
  if (!split) return report_error(split.error());
  bundle::MergeOrder order{.split_file = split_file, .out = out, .signatures = {}};
  if (const auto& signatures = split->plan.signatures)
    order.signatures = scenario::load_signatures(signatures->text, signatures->file).all;
  std::optional<Signer> signer;
  if (wants_signature(signing)) {
    auto opened = Signer::open(signing);
    if (!opened) return report_error(opened.error());
    signer = std::move(*opened);
    order.attest = [&](const bundle::Judged& judged) { return signer->attest(judged); };
  }
  auto result = bundle::merge_shards(order);
  return result ? tell(*result, json) : report_error(result.error());
}

}  // namespace labctl::cli
