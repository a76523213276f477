#include "labctl/base/json.h"

#include <fmt/core.h>

#include <set>
#include <vector>

#include "labctl/base/text.h"

namespace labctl {

Result<Json> parse_json(std::string_view text, const std::string& where) {
  constexpr int deepest = 64;
  // To the library a NUL is an end, with anything behind it.
  if (text.find('\0') != std::string_view::npos)
    return input_error("not valid JSON: it holds a NUL byte", where);
  try {
    bool too_deep = false;
    std::string twice;
    std::vector<std::set<std::string>> keys;  // of the objects that are open
    auto guard = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > deepest) too_deep = true;
      if (too_deep || !twice.empty()) return false;
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
      if (event == Json::parse_event_t::object_end) keys.pop_back();
      if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
        twice = parsed.get<std::string>();
      return true;
    };
    Json value = Json::parse(text, guard);
    if (!twice.empty())
      return input_error(fmt::format("not valid JSON: the key '{}' occurs twice", printable(twice, 60)),
                         where);
    if (too_deep || value.is_discarded()) return input_error("the JSON is nested too deeply", where);
    return value;
  } catch (const Json::exception& e) {
    return input_error(fmt::format("not valid JSON: {}", printable(e.what(), 300)), where);
  }
}

std::string dump_line(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string dump_pretty(const Json& value) {
  return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

namespace {
const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}
}  // namespace

std::string text_at(const Json& object, const char* key, std::string fallback) {
  const Json* value = member(object, key);
  return value && value->is_string() ? value->get<std::string>() : fallback;
}

long long number_at(const Json& object, const char* key, long long fallback) {
  const Json* value = member(object, key);
  return value && value->is_number_integer() ? value->get<long long>() : fallback;
}

bool flag_at(const Json& object, const char* key, bool fallback) {
  const Json* value = member(object, key);
  return value && value->is_boolean() ? value->get<bool>() : fallback;
}

}  // namespace labctl
