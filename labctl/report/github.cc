// Annotations for GitHub Actions. A guest chose much of the text, and a line that begins with "::" is obeyed:
// everything is one line, and what ends a property or a line is escaped. "##[" is obeyed anywhere in a line,
// and nothing escapes it: it is broken by a space.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/report/exports.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

constexpr std::size_t most_of_a_kind = 10;  // of a step; GitHub drops the rest silently

std::string escaped(std::string_view untrusted, std::size_t limit, bool property) {
  std::string text;
  for (const char c : visible(untrusted, limit)) {
    if (c == '#' && text.ends_with('#')) text += ' ';
    if (c == '%')
      text += "%25";
    else if (c == '\n')
      text += "%0A";
    else if (c == '\r')
      text += "%0D";
    else if (property && c == ':')
      text += "%3A";
    else if (property && c == ',')
      text += "%2C";
    else
      text += c;
  }
  return text;
}

struct Annotation {
  bool error = true;
  std::string title, text;
};

// The worst first: what blocks, then what the lab could not do, then warnings.
std::vector<Annotation> annotations(const Record& record) {
  std::vector<Annotation> all;
  for (const auto& problem : verdict::problems(record.verdict)) {
    std::string text =
        fmt::format("in {}: {}", plural(problem.cells.size(), "cell"), join_some(problem.cells));
    if (const auto fault =
            whose_fault(record.run.plan, record.verdict, {problem.cells.begin(), problem.cells.end()});
        !fault.empty())
      text += "\n" + fault;
    all.push_back({problem.severity == crash::Severity::fatal, problem.title, text});
  }
  for (const auto& outcome : record.verdict.cells)
    if (!outcome.as_wanted() && outcome.findings.empty())
      all.push_back({outcome.ending != outcome::Ending::not_run,
                     outcome.cell + " " + outcome::to_string(outcome.ending), outcome.reason});
  std::stable_partition(all.begin(), all.end(), [](const Annotation& one) { return one.error; });
  return all;
}

}  // namespace

std::string github(const Record& record) {
  const bool passed = record.verdict.decision == verdict::Decision::passed;
  std::string last = last_word(record.verdict, record.run.plan);
  std::string text =
      fmt::format("{} title=labctl::{}\n", passed ? "::notice" : "::error", escaped(last, 1000, false));
  std::size_t errors = passed ? 0 : 1, warnings = 0, dropped = 0;
  for (const auto& one : annotations(record)) {
    std::size_t& count = one.error ? errors : warnings;
    if (count == most_of_a_kind) {
      ++dropped;
      continue;
    }
    ++count;
    text += fmt::format("{} title={}::{}\n", one.error ? "::error" : "::warning",
                        escaped(one.title, 200, true), escaped(one.text, 1000, false));
  }
  if (dropped != 0)
    text +=
        fmt::format("{} more: a step shows ten of a kind; see summary.md\n", plural(dropped, "annotation"));
  return text;
}

}  // namespace labctl::report
