#include "labctl/base/strict_json.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"

namespace labctl {
namespace {

const Json& empty() {
  static const Json object = Json::object();
  return object;
}

}  // namespace

JsonObject::JsonObject(const Json& json, std::string path, std::string& fault)
    : json_(json.is_object() ? json : empty()), path_(std::move(path)), fault_(fault) {
  if (!json.is_object()) wrong("expected an object");
}

bool JsonObject::has(const char* key) const { return json_.contains(key); }

std::vector<std::string> JsonObject::names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : json_.items()) names.push_back(name);
  return names;
}

std::string JsonObject::text(const char* key) {
  const Json* value = get(key);
  if (value && value->is_string()) return value->get<std::string>();
  if (value) wrong(fmt::format("{}: expected text", key));
  return "";
}

std::string JsonObject::text_or(const char* key, std::string fallback) {
  return has(key) ? text(key) : std::move(fallback);
}

bool JsonObject::flag(const char* key) {
  const Json* value = get(key);
  if (value && value->is_boolean()) return value->get<bool>();
  if (value) wrong(fmt::format("{}: expected true or false", key));
  return false;
}

long long JsonObject::number(const char* key, long long least, long long most) {
  const Json* value = get(key);
  if (!value) return least;
  // Unsigned values beyond long long would come out negative.
  const bool huge =
      value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
  if (value->is_number_integer() && !huge) {
    const auto number = value->get<long long>();
    if (number >= least && number <= most) return number;
  }
  wrong(fmt::format("{}: expected a whole number from {} to {}", key, least, most));
  return least;
}

std::vector<std::string> JsonObject::texts(const char* key) {
  std::vector<std::string> values;
  const Json* value = get(key);
  if (!value) return values;
  if (!value->is_array()) {
    wrong(fmt::format("{}: expected a list", key));
    return values;
  }
  for (const Json& item : *value) {
    if (!item.is_string()) {
      wrong(fmt::format("{}: expected a list of texts", key));
      return values;
    }
    values.push_back(item.get<std::string>());
  }
  return values;
}

JsonObject JsonObject::object(const char* key) {
  const Json* value = get(key);
  return JsonObject(value ? *value : empty(), path_ + "." + key, fault_);
}

const Json& JsonObject::value(const char* key) {
  const Json* value = get(key);
  return value ? *value : empty();
}

void JsonObject::only(std::initializer_list<std::string_view> keys) {
  for (const auto& [key, value] : json_.items())
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return wrong(fmt::format("'{}' is not known", printable(key, 60)));
}

void JsonObject::wrong(const std::string& what) {
  if (fault_.empty()) fault_ = path_ + ": " + printable(what, 300);  // names of members are in it
}

const Json* JsonObject::get(const char* key) {
  if (!fault_.empty()) return nullptr;
  const auto found = json_.find(key);
  if (found != json_.end()) return &*found;
  wrong(fmt::format("'{}' is missing", key));
  return nullptr;
}

}  // namespace labctl
