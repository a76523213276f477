#include "labctl/verdict/weigh.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/text.h"
#include "labctl/outcome/accept.h"
#include "labctl/outcome/blame.h"

namespace labctl::verdict {

using outcome::counts;
using outcome::Ending;
using outcome::is_weighed;
using outcome::Observation;
using outcome::of_candidate;
using outcome::Outcome;
using outcome::sentence;
using outcome::tolerated;
namespace {

bool shows(const Outcome& outcome, const std::string& title) {
  return std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const Observation& seen) {
    return seen.finding.title == title && seen.finding.suppressed.empty();
  });
}

bool logs(const Outcome& outcome, const std::string& title) {
  return std::find(outcome.logged.begin(), outcome.logged.end(), title) != outcome.logged.end();
}

// In a control that ran beside the candidates; one of an earlier run has not seen the host as it is.
bool in_a_control(const plan::Plan& plan, const std::vector<Outcome>& outcomes, const std::string& title) {
  for (std::size_t i = 0; i < plan.cells.size(); ++i)
    if (plan.cells[i].control && !outcomes[i].kept && shows(outcomes[i], title)) return true;
  return false;
}

// Boots of the candidate's cells that showed it.
std::size_t boots_with(const plan::Plan& plan, const std::vector<Outcome>& outcomes,
                       const std::string& title) {
  std::set<std::pair<std::string, int>> boots;
  for (std::size_t i = 0; i < plan.cells.size(); ++i)
    if (!plan.cells[i].control)
      for (const Observation& seen : outcomes[i].findings)
        if (seen.finding.title == title && seen.candidate_in) boots.insert({outcomes[i].cell, seen.boot});
  return boots.size();
}

void block(Outcome& outcome, const std::string& reason) {
  outcome.ending = Ending::crashed;
  outcome.expected = false;
  outcome.reason = fmt::format("{}; no control of this run shows it", reason);
}

}  // namespace

void weigh(const plan::Plan& plan, std::vector<Outcome>& outcomes) {
  const auto all = outcomes;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const plan::Cell& cell = plan.cells[i];
    if (cell.control || !outcomes[i].as_wanted()) continue;
    for (const Observation& seen : all[i].findings) {
      const crash::Finding& finding = seen.finding;
      if (!is_weighed(finding) || !seen.candidate_in || !counts(cell, finding) || tolerated(cell, finding))
        continue;
      const bool enough = finding.kind != crash::Kind::service || of_candidate(cell, finding) ||
                          boots_with(plan, all, finding.title) >= 2;
      if (!enough || in_a_control(plan, all, finding.title)) continue;
      block(outcomes[i], sentence(cell, seen));
      break;
    }
  }
  for (const NewError& error : new_errors(plan, all))
    for (std::size_t i = 0; i < plan.cells.size(); ++i)
      if (plan.cells[i].policy.new_errors_fail && outcomes[i].as_wanted() && !plan.cells[i].control &&
          logs(outcomes[i], error.title))
        block(outcomes[i], fmt::format("its kernel logged an error: '{}'", printable(error.title)));
}

namespace {

// labctl changes the CD of a guest that is given something, and of no control: "I/O error, dev sr0, sector
// NUM" is what the drive answers to a read that meets the change.
bool is_of_the_labs_cd(const std::string& title) {
  return title.find("I/O error, dev sr0,") != title.npos ||
         title.find("I/O error on dev sr0,") != title.npos || title.find(" [sr0] ") != title.npos;
}

}  // namespace

std::vector<NewError> new_errors(const plan::Plan& plan, const std::vector<Outcome>& outcomes) {
  std::vector<NewError> found;
  // One of an earlier run is good enough to know what the image says by itself.
  const auto logged_by_a_control = [&](const std::string& title) {
    for (std::size_t i = 0; i < plan.cells.size(); ++i)
      if (plan.cells[i].control && logs(outcomes[i], title)) return true;
    return false;
  };
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    if (plan.cells[i].control) continue;
    for (const std::string& title : outcomes[i].logged) {
      if (is_of_the_labs_cd(title)) continue;
      auto known =
          std::find_if(found.begin(), found.end(), [&](const auto& one) { return one.title == title; });
      if (known == found.end()) {
        if (logged_by_a_control(title)) continue;
        known = found.insert(found.end(), {.title = title});
      }
      known->cells.push_back(outcomes[i].cell);
    }
  }
  return found;
}

}  // namespace labctl::verdict
