// A fire drill: a candidate that is known to be bad went through the whole gate, and the gate blocked it.
// Whether such a run vouches for the gate that let a release pass. Knows nothing of signatures: both have
// been believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "labctl/attest/statement.h"
#include "labctl/base/units.h"

namespace labctl::attest {

// Why not, in one sentence, or nothing: it was blocked for a guest's failure on every image of the release,
// with sound controls there, and is not older than `max_age`. `now` is in seconds since 1970.
std::optional<std::string> objection_to_drill(const Statement& drill, const Statement& release,
                                              std::int64_t now, Millis max_age);

}  // namespace labctl::attest
