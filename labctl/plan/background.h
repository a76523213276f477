// What runs beside the story, as it stands in a plan. Internal to this room.
#pragma once

#include "labctl/base/json_fwd.h"
#include "labctl/base/strict_json.h"
#include "labctl/scenario/scenario.h"

namespace labctl::plan {

// There only when there is something to say.
void add_background(Json& guest, const std::vector<scenario::Background>& background);
std::vector<scenario::Background> read_background(JsonObject& guest);

}  // namespace labctl::plan
