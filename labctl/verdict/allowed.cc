#include "labctl/verdict/allowed.h"

#include <algorithm>

#include "labctl/outcome/accept.h"

namespace labctl::verdict {

using outcome::accepted;
using outcome::let_through;
using outcome::Observation;
using outcome::Outcome;
using outcome::uses_unproved;

using scenario::Acceptance;

const char* to_string(WaiverState state) {
  switch (state) {
    case WaiverState::used:
      return "used";
    case WaiverState::unused:
      return "unused";
    case WaiverState::expired:
      return "expired";
  }
  return "?";
}

std::vector<Weakness> weaknesses(const plan::Plan& plan, const std::vector<Outcome>& outcomes) {
  std::vector<Weakness> found;
  const auto add = [&](const char* option, const std::string& title, const std::string& cell) {
    auto known = std::find_if(found.begin(), found.end(),
                              [&](const auto& one) { return one.option == option && one.title == title; });
    if (known == found.end()) known = found.insert(found.end(), {.option = option, .title = title});
    if (known->cells.empty() || known->cells.back() != cell) known->cells.push_back(cell);
  };
  for (const plan::Cell& cell : plan.cells)
    for (const Outcome& outcome : outcomes) {
      if (outcome.cell != cell.id || !outcome.as_wanted()) continue;
      for (const Observation& seen : outcome.findings)
        if (let_through(cell, seen.finding)) add(warnings_option, seen.finding.title, cell.id);
      if (uses_unproved(cell)) add(unproved_option, cell.guest.content->unproved, cell.id);
    }
  return found;
}

std::vector<WaiverUse> waiver_uses(const plan::Plan& plan, const std::vector<Outcome>& outcomes) {
  std::vector<WaiverUse> uses;
  for (const Acceptance& waiver : plan.waivers) {
    WaiverUse use{waiver, waiver.expired(plan.date) ? WaiverState::expired : WaiverState::unused};
    for (const Outcome& outcome : outcomes)
      for (const plan::Cell& cell : plan.cells) {
        const bool used =
            cell.id == outcome.cell &&
            std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const Observation& seen) {
              const Acceptance* word = accepted(cell, seen.finding);
              return word && *word == waiver;
            });
        if (used) use.state = WaiverState::used;
      }
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace labctl::verdict
