#include "labctl/verdict/analysis.h"

#include <algorithm>
#include <tuple>

#include "labctl/outcome/accept.h"

namespace labctl::verdict {

using outcome::Ending;
using outcome::is_guest_failure;
using outcome::is_sign;
using outcome::Observation;
using outcome::Outcome;

namespace {

// A taint or a reset beside a crash that was read is that crash again, and no second problem.
bool is_explained(const Outcome& outcome) {
  return std::any_of(outcome.findings.begin(), outcome.findings.end(), [](const Observation& seen) {
    const crash::Finding& finding = seen.finding;
    return !is_sign(finding) && finding.suppressed.empty() && finding.severity == crash::Severity::fatal;
  });
}

}  // namespace

std::vector<Problem> problems(const Verdict& verdict) {
  std::vector<Problem> found;
  for (const Outcome& outcome : verdict.cells)
    for (const Observation& seen : outcome.findings) {
      const crash::Finding& finding = seen.finding;
      if (!finding.suppressed.empty() || (is_sign(finding) && is_explained(outcome))) continue;
      auto problem = std::find_if(found.begin(), found.end(),
                                  [&, &title = finding.title](const auto& p) { return p.title == title; });
      if (problem == found.end())
        problem = found.insert(found.end(), {.title = finding.title, .kind = finding.kind});
      if (finding.severity == crash::Severity::fatal) problem->severity = crash::Severity::fatal;
      if (problem->module.empty()) problem->module = finding.module;
      if (problem->cells.empty() || problem->cells.back() != outcome.cell)
        problem->cells.push_back(outcome.cell);
    }
  std::stable_sort(found.begin(), found.end(), [](const Problem& a, const Problem& b) {
    return std::tuple(a.severity, b.cells.size()) < std::tuple(b.severity, a.cells.size());
  });
  return found;
}

int clean_boots(const Outcome& outcome) {
  const bool spoilt =
      std::any_of(outcome.findings.begin(), outcome.findings.end(), [](const Observation& seen) {
        return seen.finding.severity == crash::Severity::fatal && seen.finding.suppressed.empty();
      });
  return outcome.ending == Ending::passed && !spoilt ? outcome.boots_proved : 0;
}

std::optional<double> excluded_crash_rate(int clean_boots) {
  if (clean_boots <= 3) return std::nullopt;
  return 3.0 / clean_boots;
}

std::optional<double> Statistics::excluded_crash_rate() const {
  return failed ? std::nullopt : verdict::excluded_crash_rate(clean_boots);
}

Statistics statistics(const Verdict& verdict, const plan::Plan& plan) {
  Statistics sum;
  for (std::size_t i = 0; i < verdict.cells.size() && i < plan.cells.size(); ++i) {
    if (plan.cells[i].control) continue;
    if (!verdict.cells[i].expected) sum.boots_proved += verdict.cells[i].boots_proved;
    sum.clean_boots += clean_boots(verdict.cells[i]);
    sum.failed = sum.failed || (is_guest_failure(verdict.cells[i].ending) && !verdict.cells[i].expected);
  }
  return sum;
}

}  // namespace labctl::verdict
