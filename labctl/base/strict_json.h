// A strict reader of JSON documents that anybody may have changed: every member has the type that its reader
// asks for, and nothing throws. For documents that are read leniently there is json.h.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/json.h"

namespace labctl {

// An object being read. The first fault of a document is kept and everything after it gives defaults, so that
// readers are plain sequences; the caller asks once, at the end, whether `fault` is empty.
class JsonObject {
 public:
  // `path` names the object in faults: "run.scenario". `json` and `fault` must outlive the reader.
  JsonObject(const Json& json, std::string path, std::string& fault);

  bool has(const char* key) const;
  std::vector<std::string> names() const;  // of its members

  // Members that must be there. A missing or wrong one is the fault, and a default comes back.
  std::string text(const char* key);
  bool flag(const char* key);
  long long number(const char* key, long long least, long long most);
  std::vector<std::string> texts(const char* key);
  JsonObject object(const char* key);
  // The member itself, whatever it is.
  const Json& value(const char* key);

  // Members that may be missing, but not be of another type.
  std::string text_or(const char* key, std::string fallback);

  // Calls read(JsonObject&) for each object of the list.
  template <class F>
  void each(const char* key, F read) {
    const Json* list = get(key);
    if (!list) return;
    if (!list->is_array()) return wrong(fmt::format("{}: expected a list", key));
    for (std::size_t i = 0; i < list->size() && fault_.empty(); ++i) {
      JsonObject item((*list)[i], path_ + "." + key + "[" + std::to_string(i) + "]", fault_);
      if (fault_.empty()) read(item);
    }
  }

  // Calls read(name, text) for each member of an object of texts.
  template <class F>
  void each_text(const char* key, F read) {
    JsonObject map = object(key);
    for (const auto& [name, text] : map.json_.items()) {
      if (!text.is_string()) return map.wrong(fmt::format("{}: expected text", name));
      read(name, text.template get<std::string>());
    }
  }

  // One of the words that to_string() has for the values of `all`.
  template <class Kind, std::size_t n>
  Kind kind(const char* key, const Kind (&all)[n]) {
    const std::string word = text(key);
    for (const Kind one : all) {
      if (word == to_string(one)) return one;
    }
    wrong(fmt::format("{}: unknown word", key));
    return all[0];
  }

  // A member that none of these names is a fault.
  void only(std::initializer_list<std::string_view> keys);

  void wrong(const std::string& what);

 private:
  const Json* get(const char* key);

  const Json& json_;
  std::string path_;
  std::string& fault_;
};

}  // namespace labctl
