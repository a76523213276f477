// A plan for this host, which has the images: what only they can tell is filled in.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "labctl/cli/scenario_file.h"

namespace labctl::cli {

// What becomes of ${kernel} in a driver's path when the image is not built: nothing can be run, or it stays,
// and who asks says what is lacking.
enum class Unbuilt { is_a_mistake, stay_open };

// As load_plan(). Complains by itself as well where a kernel is not known.
std::optional<std::pair<scenario::Scenario, plan::Plan>> load_plan_here(
    const std::string& file, const scenario::Variables& variables, const std::string& only,
    const std::vector<scenario::Acceptance>& waivers = {}, Date day = today(),
    Unbuilt unbuilt = Unbuilt::is_a_mistake);

}  // namespace labctl::cli
