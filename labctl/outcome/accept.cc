#include "labctl/outcome/accept.h"

#include <algorithm>

namespace labctl::outcome {

using scenario::Acceptance;
using scenario::As;

bool counts(const plan::Cell& cell, const crash::Finding& finding) {
  const bool warning_counts = cell.policy.warnings_fail || finding.kind == crash::Kind::service;
  return finding.suppressed.empty() && (finding.severity == crash::Severity::fatal || warning_counts);
}

bool let_through(const plan::Cell& cell, const crash::Finding& finding) {
  return finding.confirmed && finding.severity == crash::Severity::warning && finding.suppressed.empty() &&
         !counts(cell, finding);
}

bool is_weighed(const crash::Finding& finding) {
  return finding.severity == crash::Severity::warning &&
         (finding.kind == crash::Kind::error || finding.kind == crash::Kind::service);
}

bool is_sign(const crash::Finding& finding) { return finding.line == 0; }

const Acceptance* accepted(const plan::Cell& cell, const crash::Finding& finding) {
  if (!counts(cell, finding) || !finding.confirmed || !finding.corrupted.empty()) return nullptr;
  const auto found = std::find_if(cell.accepted.begin(), cell.accepted.end(), [&](const Acceptance& entry) {
    return entry.title == finding.title && (entry.as == As::expected || !is_sign(finding));
  });
  return found == cell.accepted.end() ? nullptr : &*found;
}

bool tolerated(const plan::Cell& cell, const crash::Finding& finding) {
  const Acceptance* entry = accepted(cell, finding);
  return entry && !is_sign(finding) &&
         (entry->as == As::waived || finding.severity == crash::Severity::warning);
}

bool blocks(const plan::Cell& cell, const crash::Finding& finding) {
  return counts(cell, finding) && !tolerated(cell, finding) && !is_weighed(finding);
}

const Acceptance* missing(const plan::Cell& cell, const std::vector<Observation>& findings) {
  const auto came = [&](const Acceptance& entry) {
    return std::any_of(findings.begin(), findings.end(), [&](const Observation& seen) {
      const Acceptance* word = accepted(cell, seen.finding);
      return word && *word == entry;
    });
  };
  const auto found = std::find_if(cell.accepted.begin(), cell.accepted.end(), [&](const Acceptance& entry) {
    return entry.as == As::expected && !came(entry);
  });
  return found == cell.accepted.end() ? nullptr : &*found;
}

bool ended_as_expected(const plan::Cell& cell, const Outcome& outcome) {
  bool by_it = false;
  for (const Observation& seen : outcome.findings) {
    if (!blocks(cell, seen.finding)) continue;
    const Acceptance* entry = accepted(cell, seen.finding);
    if (!entry) return false;
    by_it = by_it || outcome.ending == ending_for(seen.finding.kind);
  }
  return by_it && !missing(cell, outcome.findings);
}

bool took_waiver(const plan::Cell& cell, const Outcome& outcome) {
  return std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const Observation& seen) {
    const Acceptance* entry = accepted(cell, seen.finding);
    return entry && entry->as == As::waived;
  });
}

bool uses_unproved(const plan::Cell& cell) {
  return !cell.control && cell.guest.content && !cell.guest.content->unproved.empty();
}

bool took_weaker(const plan::Cell& cell, const Outcome& outcome) {
  return uses_unproved(cell) ||
         std::any_of(outcome.findings.begin(), outcome.findings.end(),
                     [&](const Observation& seen) { return let_through(cell, seen.finding); });
}

}  // namespace labctl::outcome
