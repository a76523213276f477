// JSON with the order kept, so that equal values give equal bytes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"

namespace labctl {

// Never throws. Refuses documents nested deeper than 64, because the library recurses, and a key that stands
// twice in an object, because two readers may take different ones.
Result<Json> parse_json(std::string_view text, const std::string& where);

// One line, invalid UTF-8 replaced: text from guests must not make a report impossible.
std::string dump_line(const Json& value);
std::string dump_pretty(const Json& value);

// Reads that cannot throw: the fallback when the key is missing or of another type.
std::string text_at(const Json& object, const char* key, std::string fallback = {});
long long number_at(const Json& object, const char* key, long long fallback = 0);
bool flag_at(const Json& object, const char* key, bool fallback = false);

}  // namespace labctl
