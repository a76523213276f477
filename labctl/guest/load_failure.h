// Why Windows did not load a driver, by what it wrote down: numbers of events with their codes, and lines of
// the setup log, as scripts/why-not-loaded.ps1 puts them together. A guest's word: read strictly, and never
// needed for an outcome.
#pragma once

#include <string>
#include <string_view>

namespace labctl::guest {

// "7000 %%577; 3077; setupapi sto: ..." -> "event 7000 (the service did not start), error 577 (its signature
// cannot be verified); ...". Parts that are none are left out; empty when nothing is left.
std::string load_failure(std::string_view why);

}  // namespace labctl::guest
