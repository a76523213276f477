#include "labctl/outcome/windows_proof.h"

#include <algorithm>

namespace labctl::outcome {

bool TriedDriver::as_assumed() const {
  if (file.empty()) return true;  // not tried
  const auto right = [this](const Outcome& outcome) {
    return outcome.ending == (should_crash ? Ending::crashed : Ending::passed);
  };
  return problem.empty() && !outcomes.empty() && std::all_of(outcomes.begin(), outcomes.end(), right);
}

bool WindowsProof::as_assumed() const {
  return canary.proved() &&
         std::none_of(claims.begin(), claims.end(),
                      [](const Claim& claim) { return claim.state == Claim::State::differs; }) &&
         std::all_of(drivers.begin(), drivers.end(), [](const auto& driver) { return driver.as_assumed(); });
}

}  // namespace labctl::outcome
