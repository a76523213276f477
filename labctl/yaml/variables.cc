#include "labctl/yaml/variables.h"

namespace labctl::yaml {
Reference next_reference(std::string_view text, std::size_t from) {
  const std::size_t brace = text.find("${", from);
  if (brace == std::string_view::npos) return {};
  Reference found;
  // No name is longer than a line; looking further would make a text of nothing but "${" slow.
  const std::size_t close = text.substr(brace, 200).find('}');
  found.closed = close != std::string_view::npos;
  if (found.closed) found.name = text.substr(brace + 2, close - 2);
  if (brace > from && text[brace - 1] == '$') {
    found.escaped = true;
    found.begin = brace - 1;
    found.end = brace + 2;
  } else {
    found.begin = brace;
    found.end = found.closed ? brace + close + 1 : text.size();
  }
  return found;
}

std::string fill_variables(std::string_view text, const Variables& values) {
  std::string result;
  std::size_t from = 0;
  for (std::size_t at = 0;;) {
    const Reference found = next_reference(text, at);
    if (found.begin == std::string_view::npos) break;
    const std::size_t brace = found.begin + (found.escaped ? 1 : 0);
    const auto value = found.closed ? values.find(std::string(found.name)) : values.end();
    at = brace + 2;
    if (value == values.end()) continue;
    result += text.substr(from, brace - from);
    result += value->second;
    from = at = at + found.name.size() + 1;
  }
  return result.append(text.substr(from));
}

bool names_variable(std::string_view text, std::string_view prefix) {
  for (std::size_t at = 0;;) {
    const Reference found = next_reference(text, at);
    if (found.begin == std::string_view::npos) return false;
    if (found.closed && found.name.starts_with(prefix)) return true;
    at = found.begin + (found.escaped ? 3 : 2);
  }
}

}  // namespace labctl::yaml
