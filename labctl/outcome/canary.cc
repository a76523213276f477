#include "labctl/outcome/canary.h"
#include "labctl/base/text.h"

namespace labctl::outcome {

bool Canary::proved() const { return reason().empty(); }

std::string Canary::reason() const {
  if (!refused.empty()) return refused;
  if (deaths.empty()) return "it was never killed on purpose";
  std::vector<std::string> reasons;
  for (const CanaryDeath& death : deaths)
    if (!death.reason.empty()) reasons.push_back(death.crash + ": " + death.reason);
  return join(reasons, "; ");
}

}  // namespace labctl::outcome
