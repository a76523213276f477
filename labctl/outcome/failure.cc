#include "labctl/outcome/failure.h"

#include <algorithm>

#include "labctl/outcome/accept.h"

namespace labctl::outcome {
namespace {

const Observation* stands_for(const plan::Cell& cell, const Outcome& outcome) {
  const Observation* first = nullptr;
  for (const auto& seen : outcome.findings) {
    if (!counts(cell, seen.finding)) continue;
    if (seen.finding.severity == crash::Severity::fatal) return &seen;
    if (!first) first = &seen;
  }
  return first;
}

}  // namespace

Failure failure_of(const plan::Cell& cell, const Outcome& outcome) {
  Failure failure{.ending = outcome.ending, .reason = outcome.reason, .boot = outcome.boots_proved};
  if (const auto* seen = stands_for(cell, outcome)) {
    failure.title = seen->finding.title;
    failure.boot = seen->boot;
    failure.excerpt = seen->finding.excerpt;
  }
  return failure;
}

bool is_same(const Failure& failure, const plan::Cell& cell, const Outcome& outcome) {
  if (!is_guest_failure(outcome.ending)) return false;
  if (failure.title.empty()) return outcome.ending == failure.ending;
  return std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const Observation& seen) {
    return seen.finding.title == failure.title && counts(cell, seen.finding);
  });
}

plan::Cell cut_story(plan::Cell cell, int boot) {
  int boots = 0;
  const auto behind = std::find_if(cell.story.begin(), cell.story.end(), [&](const scenario::Step& step) {
    return scenario::boots(step.kind) && ++boots > boot;
  });
  cell.story.erase(behind, cell.story.end());
  return cell;
}

}  // namespace labctl::outcome
