#include "labctl/outcome/blame.h"

#include "labctl/base/text.h"

namespace labctl::outcome {

bool of_candidate(const plan::Cell& cell, const crash::Finding& finding) {
  return !finding.module.empty() && finding.module == cell.guest.driver.module;
}

std::string sentence(const plan::Cell& cell, const Observation& seen) {
  const crash::Finding& finding = seen.finding;
  const bool own = of_candidate(cell, finding);
  std::string text = printable(finding.title);
  if (!finding.module.empty())
    text += " [module " + printable(finding.module, 60) + (own ? ", the candidate's]" : "]");
  // A cell whose candidate is not there yet says so itself, and a control has none.
  if (!own && seen.candidate_in && !cell.control)
    text += " (not in the candidate's module; " +
            (seen.link.empty() ? "it happened with the candidate loaded" : printable(seen.link, 120)) + ")";
  return text;
}

}  // namespace labctl::outcome
