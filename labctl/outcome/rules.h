// The number of the rule set that cells are asked and judged by. It grows whenever a pass needs a proof that
// it did not need before. Each journal names the number it was recorded under: it is judged by those rules
// and never passes under newer ones, because what they demand was not asked.
#pragma once

#include <string>
#include <vector>

namespace labctl::outcome {

inline constexpr int rules_now = 2;

// What a pass proves today and was not asked by that rule set, as phrases for people; empty for today's.
std::vector<std::string> not_asked(int rules);

}  // namespace labctl::outcome
