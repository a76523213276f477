// summary.md. Guests, artifacts and authors chose much of its text, and the page that shows it belongs to
// people with rights: what is not ours stands in a code span or a fence that it cannot close, or in <code>
// with every special character as an entity. Forges look for mentions and references in neither.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

constexpr std::size_t largest = 480 << 10;  // GitHub refuses a job's summary above 1 MiB
constexpr std::size_t excerpt_lines = 12, excerpt_bytes = 2 << 10, most_rows = 300, most_problems = 30,
                      most_named = 12;

// Where a code span cannot hold the text: nothing in here is markup, a mention or a reference any more, and
// it stays in its table cell.
std::string entities(const std::string& text) {
  std::string html = "<code>";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || std::string_view(" .,/-").find(c) != std::string::npos;
    html += plain ? std::string(1, c) : "&#" + std::to_string(byte) + ";";
  }
  return html + "</code>";
}

// A code span, which is readable as plain text too. It ends at the first backtick, and renderers disagree
// about '|' in a table's cell; a span that only holds spaces, or nothing, is none.
std::string code(std::string_view untrusted) {
  const std::string text = printable(untrusted, 400);
  const bool blank = text.find_first_not_of(' ') == std::string::npos;
  return blank || text.find_first_of("`|\n") != std::string::npos ? entities(text) : "`" + text + "`";
}

std::string fenced(const std::string& text) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) longest = std::max(longest, run = c == '`' ? run + 1 : 0);
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return fence + "text\n" + text + "\n" + fence + "\n";
}

const char* symbol(const outcome::Outcome& outcome) {
  if (outcome.as_wanted()) return "✅";
  return outcome::is_guest_failure(outcome.ending) ? "❌" : "⚠️";
}

std::string headline_part(const Record& record) {
  const auto decision = record.verdict.decision;
  const char* sign = record.verdict.warned()                  ? "⚠️"
                     : decision == verdict::Decision::passed  ? "✅"
                     : decision == verdict::Decision::blocked ? "❌"
                                                              : "⚠️";
  // The last word may quote a reason or a waiver's title, which are not ours.
  const Headline last = headline(record.verdict, record.run.plan);
  return std::string("## ") + sign + " " + last.word + "\n\n" + code(last.sentence) + "\n\n";
}

std::string named_cells(const std::vector<std::string>& cells) {
  std::string text;
  for (std::size_t i = 0; i < cells.size() && i < most_named; ++i) text += "- " + code(cells[i]) + "\n";
  if (cells.size() > most_named) text += fmt::format("- and {} more\n", cells.size() - most_named);
  return text;
}

const crash::Finding* first_with(const Record& record, const std::string& title) {
  for (const auto& outcome : record.verdict.cells)
    for (const auto& seen : outcome.findings)
      if (seen.finding.title == title && !seen.finding.excerpt.empty()) return &seen.finding;
  return nullptr;
}

std::string problems_part(const Record& record) {
  const auto problems = verdict::problems(record.verdict);
  if (problems.empty()) return {};
  std::string text = "### " + plural(problems.size(), "problem") + "\n\n";
  for (std::size_t i = 0; i < problems.size() && i < most_problems; ++i) {
    const auto& problem = problems[i];
    text += "**" + std::to_string(i + 1) + ".** " + code(problem.title) + "\n\n";
    text += std::string(crash::to_string(problem.severity)) + ", " + crash::to_string(problem.kind);
    if (!problem.module.empty()) text += fmt::format(", in module {}", code(problem.module));
    text += fmt::format(", in {}\n\n{}\n", plural(problem.cells.size(), "cell"), named_cells(problem.cells));
    const std::string fault =
        whose_fault(record.run.plan, record.verdict, {problem.cells.begin(), problem.cells.end()});
    if (!fault.empty()) text += fmt::format("Where it is: {}\n\n", code(fault));
    if (const auto* finding = first_with(record, problem.title))
      text += fenced(excerpt(*finding, excerpt_lines, excerpt_bytes)) + "\n";
  }
  if (problems.size() > most_problems)
    text +=
        fmt::format("And {} more: see report.html.\n\n", plural(problems.size() - most_problems, "problem"));
  return text;
}

// Who or what let which finding pass, and who tried to: a waiver that did nothing is listed too.
std::string waivers_part(const Record& record) {
  using verdict::WaiverState;
  std::string text;
  for (const auto state : {WaiverState::used, WaiverState::unused, WaiverState::expired})
    for (const auto& waiver : waivers_in_words(record.verdict, state))
      if (text.size() < (16 << 10))
        text += std::string("- ") + verdict::to_string(state) + ": " + code(waiver) + "\n";
  if (!text.empty()) text = fmt::format("### Waivers\n\n{}\n", text);
  const auto allowed = weaknesses_in_words(record.verdict);
  if (allowed.empty()) return text;
  text += "### Allowed by the policy\n\n";
  for (std::size_t i = 0; i < allowed.size() && i < most_named; ++i) text += "- " + code(allowed[i]) + "\n";
  if (allowed.size() > most_named) text += fmt::format("- and {} more\n", allowed.size() - most_named);
  return text + "\n";
}

std::string new_errors_part(const Record& record) {
  const auto errors = new_errors_in_words(record.verdict);
  if (errors.empty()) return {};
  std::string text = "### New with the candidate\n\nLogged as errors, and in no control:\n\n";
  for (std::size_t i = 0; i < errors.size() && i < most_named; ++i) text += "- " + code(errors[i]) + "\n";
  if (errors.size() > most_named) text += fmt::format("- and {} more\n", errors.size() - most_named);
  return text + "\n";
}

// What went wrong comes first, because a long table is cut at its end.
std::string cells_part(const Record& record) {
  std::string text =
      "### Cells\n\n| | cell | outcome | boots | took | |\n| --- | --- | --- | --- | --- | --- |\n";
  std::vector<std::size_t> order;
  for (const bool well : {false, true})
    for (std::size_t i = 0; i < record.verdict.cells.size(); ++i)
      if (record.verdict.cells[i].as_wanted() == well) order.push_back(i);
  for (std::size_t row = 0; row < order.size() && row < most_rows; ++row) {
    const auto& outcome = record.verdict.cells[order[row]];
    text += std::string("| ") + symbol(outcome) + " | " + code(outcome.cell) + " | " +
            outcome_in_words(outcome) + " | " + std::to_string(outcome.boots_proved) + "/" +
            std::to_string(outcome.boots_wanted) + " | " + show_duration(outcome.took) + " | " +
            (outcome.reason.empty() ? "" : code(outcome.reason)) + " |\n";
  }
  if (order.size() > most_rows)
    text += fmt::format("\n{} more: see report.html.\n", plural(order.size() - most_rows, "cell"));
  return text + "\n";
}

std::string attempts_part(const Record& record) {
  std::string text;
  for (const auto& outcome : record.verdict.cells)
    for (const auto& attempt : outcome.attempts)
      if (text.size() < (16 << 10))
        text += "- " + code(outcome.cell) + ": " + code(attempt_in_words(attempt)) + "\n";
  return text.empty() ? text : fmt::format("### Earlier attempts\n\n{}\n", text);
}

std::string reasons_part(const Record& record) {
  std::string text;
  // A cell's reason stands in its row.
  const auto& reasons = record.verdict.reasons;
  for (std::size_t i = record.verdict.reasons_of_cells; i < reasons.size(); ++i)
    if (text.size() < (16 << 10)) text += "- " + code(reasons[i]) + "\n";
  return text.empty() ? text : text + "\n";
}

std::string tested_part(const Record& record) {
  std::string text;
  for (const auto& artifact : record.run.artifacts) {
    if (text.size() > (32 << 10)) break;
    text += "| " + code(artifact.path) + " | " + code(artifact.sha256) + " |\n";
  }
  if (!text.empty())
    text = fmt::format("### Tested bytes\n\n| artifact | sha256 |\n| --- | --- |\n{}\n", text);
  return text;
}

}  // namespace

std::string markdown(const Record& record) {
  std::string text = fmt::format("{}Scenario {}", headline_part(record), code(record.run.plan.scenario));
  if (!record.bundle.empty()) text += fmt::format(", bundle {}", code(record.bundle));
  text += "\n\n" + reasons_part(record);
  text += statistics_in_words(verdict::statistics(record.verdict, record.run.plan)) + ".\n\n";
  if (const auto windows = windows_in_words(record.run.plan); !windows.empty()) text += windows + ".\n\n";
  for (const auto& part : {waivers_part(record), problems_part(record), new_errors_part(record),
                           cells_part(record), attempts_part(record), tested_part(record)}) {
    if (text.size() + part.size() > largest) {
      text += "The rest is too long for this page: see report.html.\n";
      break;
    }
    text += part;
  }
  return text;
}

}  // namespace labctl::report
