// Does this statement stand on less than an earlier one? Pure: both have been believed before.
#pragma once

#include <string>
#include <vector>

#include "labctl/attest/statement.h"

namespace labctl::attest {

// What the earlier run tested, proved or refused and this one does not, one sentence each: images and
// machines, boots, boots with all candidates, proofs, drivers and contents, negative tests; waivers and
// allowances that are new. Empty: nothing. A name that changed counts as one that is gone. What the earlier
// statement does not say (proofs, waivers: an earlier labctl made it) is not compared.
std::vector<std::string> weaker_than(const Statement& now, const Statement& before);

}  // namespace labctl::attest
