// What is Windows' alone in a guest, as it stands in a plan. Internal to this room.
#pragma once

#include "labctl/base/json_fwd.h"
#include "labctl/base/strict_json.h"
#include "labctl/scenario/scenario.h"

namespace labctl::plan {

void add_windows(Json& json, const scenario::Guest& guest);
void read_windows(JsonObject& in, JsonObject& driver, scenario::Guest& guest);

}  // namespace labctl::plan
