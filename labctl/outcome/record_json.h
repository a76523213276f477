// Members that the record of a run and a split have in common. Private to this room.
#pragma once

#include "labctl/base/strict_json.h"
#include "labctl/outcome/given.h"

namespace labctl::outcome {

Json given_json(const GivenText& given);
Json scenario_json(const ScenarioRecord& scenario);
GivenText read_given(JsonObject in);
ScenarioRecord read_scenario(JsonObject in);

}  // namespace labctl::outcome
