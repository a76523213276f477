#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/terminal_text.h"
#include "labctl/base/text.h"
#include "labctl/outcome/accept.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

using outcome::Ending;

std::size_t widest_id(const plan::Plan& plan) {
  std::size_t width = 4;
  for (const auto& cell : plan.cells) width = std::max(width, cell.id.size());
  return width;
}

std::string in_colour(const std::string& text, Ending ending, Style style) {
  if (!style.colour) return for_terminal(text);
  const char* code = ending == Ending::passed ? "32" : outcome::is_guest_failure(ending) ? "31" : "33";
  return std::string("\033[") + code + "m" + for_terminal(text) + "\033[0m";
}

// A waiver that did nothing may hide that its finding is gone.
std::string idle_waivers(const verdict::Verdict& verdict) {
  std::string text;
  for (const auto state : {verdict::WaiverState::unused, verdict::WaiverState::expired})
    for (const auto& title : waivers_in_words(verdict, state))
      text += fmt::format("  waiver {}: {}\n", verdict::to_string(state), title);
  return text.empty() ? text : "\n" + text;
}

std::string broken(const std::string& text, std::size_t indent, Style style) {
  return style.width == 0 ? text : wrap_lines(text, style.width, indent);
}

// What follows the ending in its cell's line, which has had `before` columns, and the reason below it.
std::string behind_ending(const outcome::Outcome& outcome, std::size_t before, Style style) {
  std::string text = fmt::format("  {}/{} boots  {}", outcome.boots_proved, outcome.boots_wanted,
                                 show_duration(outcome.took));
  std::string where;
  if (outcome.ending != Ending::passed && !outcome.step.empty()) where = fmt::format("  at {}", outcome.step);
  if (outcome.expected) where += ", as expected";
  if (outcome.kept)
    where +=
        fmt::format("  on {} in {}", printable(outcome.kept->made, 40), printable(outcome.kept->run, 120));
  if (style.width != 0 && !where.empty() && before + columns(text) + columns(where) > style.width)
    where.insert(0, "\n    ");
  text += where + "\n";
  if (!outcome.reason.empty()) text += "      " + outcome.reason + "\n";
  for (const auto& attempt : outcome.attempts)
    text += fmt::format("      earlier attempt: {}\n", attempt_in_words(attempt));
  return text;
}

std::string finding_line(const outcome::Observation& seen, const plan::Cell& cell) {
  std::string line =
      fmt::format("      {} ({}, {}, boot {}", printable(seen.finding.title),
                  crash::to_string(seen.finding.kind), event::to_string(seen.channel), seen.boot);
  if (seen.finding.line != 0 && seen.channel == event::Channel::console)
    line += fmt::format(", console.log line {}", seen.finding.line);
  if (!seen.finding.module.empty()) line += fmt::format(", in module {}", printable(seen.finding.module, 60));
  line += ")" + channels_in_words(seen);
  if (!seen.finding.suppressed.empty()) line += fmt::format(" does not count: {}", seen.finding.suppressed);
  if (const auto* entry = outcome::accepted(cell, seen.finding)) line += " " + acceptance_in_words(*entry);
  return line + "\n";
}

// What several cells have in common; one cell's finding stands below its cell already.
std::string problems_text(const verdict::Verdict& verdict, const plan::Plan& plan) {
  std::string text;
  for (const auto& problem : verdict::problems(verdict)) {
    const std::string fault = whose_fault(plan, verdict, {problem.cells.begin(), problem.cells.end()});
    text += "  " + printable(problem.title) + " (" + crash::to_string(problem.kind);
    if (!problem.module.empty()) text += fmt::format(", in module {}", printable(problem.module, 60));
    text += "): " + plural(problem.cells.size(), "cell") + "\n";
    if (!fault.empty()) text += "      " + fault + "\n";
  }
  return text.empty() ? text : "\nproblems:\n" + text;
}

std::string new_errors_text(const verdict::Verdict& verdict) {
  std::string text;
  for (const auto& error : new_errors_in_words(verdict)) text += "  " + error + "\n";
  return text.empty() ? text
                      : fmt::format("\nnew with the candidate, logged as errors in no control:\n{}", text);
}

// "PASSED", or "WARNED" with all that was let pass.
std::string passed_in_words(const verdict::Verdict& verdict) {
  if (!verdict.warned()) return "PASSED";
  std::vector<std::string> with, all;
  if (verdict.waived) {
    all = waivers_in_words(verdict, verdict::WaiverState::used);
    with.push_back(plural(all.size(), "waiver"));
  }
  const auto let = weaknesses_in_words(verdict);
  const auto unproved = std::count_if(verdict.weaker.begin(), verdict.weaker.end(),
                                      [](const auto& one) { return one.option == verdict::unproved_option; });
  const auto findings = let.size() - static_cast<std::size_t>(unproved);
  if (findings != 0) with.push_back(fmt::format("{} that the policy allows", plural(findings, "finding")));
  if (unproved != 0) with.emplace_back("content without a proof");
  all.insert(all.end(), let.begin(), let.end());
  return fmt::format("WARNED, passed with {}: {}", join(with, " and "), join(all, ", "));
}

}  // namespace

std::string summary(const verdict::Verdict& verdict, const plan::Plan& plan, Style style) {
  const std::size_t width = widest_id(plan);
  std::string text = "\n";
  for (std::size_t i = 0; i < verdict.cells.size() && i < plan.cells.size(); ++i) {
    const auto& outcome = verdict.cells[i];
    const Ending shown = outcome.as_wanted() ? Ending::passed : outcome.ending;
    const std::string id = for_terminal("  " + padded(outcome.cell, width) + "  ");
    const std::string ending = padded(outcome::to_string(outcome.ending), 11);
    const std::size_t before = columns(id) + columns(ending);
    text += id + in_colour(ending, shown, style) +
            broken(for_terminal(behind_ending(outcome, before, style)), 8, style);
    for (const auto& seen : outcome.findings)
      text += broken(for_terminal(finding_line(seen, plan.cells[i])), 8, style);
  }
  const Ending colour = verdict.warned()                                 ? Ending::lab_failed
                        : verdict.decision == verdict::Decision::passed  ? Ending::passed
                        : verdict.decision == verdict::Decision::blocked ? Ending::crashed
                                                                         : Ending::lab_failed;
  text += broken(for_terminal(problems_text(verdict, plan)), 8, style);
  text += broken(for_terminal(new_errors_text(verdict)), 4, style);
  text += broken(for_terminal(idle_waivers(verdict)), 4, style);
  std::string last = statistics_in_words(verdict::statistics(verdict, plan));
  if (const auto windows = windows_in_words(plan); !windows.empty()) last += "\n" + windows;
  text += "\n" + broken(last, 2, style) + "\n";
  return text + in_colour(broken(last_word(verdict, plan), 2, style), colour, style) + "\n";
}

std::string last_word(const verdict::Verdict& verdict, const plan::Plan& plan) {
  return headline(verdict, plan).text();
}

Headline headline(const verdict::Verdict& verdict, const plan::Plan& plan) {
  std::size_t cells = 0, passed = 0, expected = 0, blamed = 0;
  int boots = 0;
  for (std::size_t i = 0; i < verdict.cells.size() && i < plan.cells.size(); ++i) {
    if (plan.cells[i].control) continue;
    ++cells;
    passed += verdict.cells[i].ending == Ending::passed;
    expected += verdict.cells[i].expected;
    blamed += outcome::is_guest_failure(verdict.cells[i].ending) && !verdict.cells[i].expected;
    if (!verdict.cells[i].expected) boots += verdict.cells[i].boots_proved;
  }
  const std::string stopped = verdict.interrupted ? " (interrupted)" : "";
  switch (verdict.decision) {
    case verdict::Decision::passed:
      return {passed_in_words(verdict),
              fmt::format(
                  "{}, {} proved; {}the controls without the candidate passed too", plural(passed, "cell"),
                  plural(static_cast<std::size_t>(boots), "boot"),
                  expected != 0 ? fmt::format("{} crashed as expected; ", plural(expected, "cell")) : "")};
    case verdict::Decision::blocked:
      return {"BLOCKED",
              fmt::format("{} of {} failed; do not publish{}", blamed, plural(cells, "cell"), stopped)};
    case verdict::Decision::no_verdict:
      break;
  }
  std::string why = verdict.nothing_ran ? "nothing ran"
                                        : fmt::format("{} of {} passed, the rest is not known", passed,
                                                      plural(cells, "cell"));
  if (!verdict.nothing_ran && passed == cells && !verdict.reasons.empty()) why = verdict.reasons.back();
  return {fmt::format("NO VERDICT{}", stopped), fmt::format("{}; do not publish", why)};
}

}  // namespace labctl::report
