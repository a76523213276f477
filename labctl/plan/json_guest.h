// A cell's guest and its machine as they stand in a plan, and what all parts of a plan share. Internal to
// this room.
#pragma once

#include <string>
#include <string_view>

#include "labctl/base/json_fwd.h"
#include "labctl/base/strict_json.h"
#include "labctl/base/units.h"
#include "labctl/scenario/scenario.h"

namespace labctl::plan {

Json guest_json(const scenario::Guest& guest);
scenario::Guest read_guest(JsonObject in);

Json machine_json(const scenario::Machine& machine);
scenario::Machine read_machine(JsonObject in);

// What becomes a path, a word of a command line or an attribute of XML is held to the scenario's rules. Empty
// is none.
std::string read_name(JsonObject& in, const char* key, bool (*good)(std::string_view), const char* what);
std::string read_label(JsonObject& in, const char* key);
std::string read_path(JsonObject& in, const char* key);

// There only when the author says it.
void add_within(Json& json, Millis within);
Millis read_within(JsonObject& in);

}  // namespace labctl::plan
