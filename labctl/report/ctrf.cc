// CTRF as its JSON schema has it.

#include <algorithm>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/exports.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Ending;

constexpr std::size_t longest_message = 2000, longest_trace = 8 << 10, trace_lines = 60;

// A lab that failed has not tested anything: "other". A control has no candidate in it, so its failure is the
// lab's as well.
const char* status_of(const outcome::Outcome& outcome, bool control) {
  if (outcome.as_wanted()) return "passed";
  if (outcome.ending == Ending::not_run) return "skipped";
  return outcome::is_guest_failure(outcome.ending) && !control ? "failed" : "other";
}

std::int64_t unix_ms(const std::string& moment) {
  const auto seconds = parse_moment(moment);
  return seconds ? *seconds * 1000 : 0;
}

Json test_of(const Record& record, std::size_t i) {
  const plan::Cell& cell = record.run.plan.cells[i];
  const outcome::Outcome& outcome = record.verdict.cells[i];
  Json test{{"name", cell.id},
            {"status", status_of(outcome, cell.control)},
            {"duration", outcome.took.count()},
            {"suite", Json::array({visible(record.run.plan.scenario, 200), cell.image})},
            {"rawStatus", outcome::to_string(outcome.ending)},
            {"type", cell.control ? "control" : "gate"},
            {"labels",
             {{"boots_proved", outcome.boots_proved},
              {"boots_wanted", outcome.boots_wanted},
              {"driver", cell.driver},
              {"content", cell.content}}}};
  if (!outcome.reason.empty()) test["message"] = visible(outcome.reason, longest_message);
  std::string trace;
  for (const auto& seen : outcome.findings)
    if (seen.finding.suppressed.empty() && trace.size() < longest_trace)
      trace +=
          visible(seen.finding.title, 500) + "\n" + excerpt(seen.finding, trace_lines, longest_trace) + "\n";
  if (!trace.empty()) test["trace"] = trace;
  if (!outcome.attempts.empty()) test["retries"] = outcome.attempts.size();
  return test;
}

}  // namespace

std::string ctrf(const Record& record) {
  Json tests = Json::array();
  const auto count = [&](const char* status) {
    return std::count_if(tests.begin(), tests.end(),
                         [&](const Json& test) { return test.at("status") == status; });
  };
  for (std::size_t i = 0; i < record.run.plan.cells.size() && i < record.verdict.cells.size(); ++i)
    tests.push_back(test_of(record, i));
  // Every cell can be as wanted, or the lab's fault, while the verdict is not passed.
  if (record.verdict.decision != verdict::Decision::passed && count("failed") == 0)
    tests.push_back({{"name", "the verdict"},
                     {"status", "failed"},
                     {"duration", 0},
                     {"rawStatus", verdict::to_string(record.verdict.decision)},
                     {"message", visible(join(record.verdict.reasons, "\n"), longest_message)}});
  Json summary{{"tests", tests.size()}};
  for (const char* status : {"passed", "failed", "skipped", "pending", "other"})
    summary[status] = count(status);
  summary["start"] = unix_ms(record.run.began);
  summary["stop"] = unix_ms(record.run.ended);
  return dump_pretty(
      {{"reportFormat", "CTRF"},
       {"specVersion", "0.0.0"},
       {"generatedBy", record.run.tool.empty() ? "labctl" : visible(record.run.tool, 100)},
       {"results",
        {{"tool", {{"name", "labctl"}}},
         {"summary", summary},
         {"tests", tests},
         {"extra",
          {{"verdict", verdict::to_string(record.verdict.decision)},
           {"statistics", statistics_in_words(verdict::statistics(record.verdict, record.run.plan))}}}}}});
}

}  // namespace labctl::report
