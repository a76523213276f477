// The author's variables, given with --set, in what Reader reads.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/text.h"
#include "labctl/yaml/reader.h"

namespace labctl::yaml {
namespace {

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto more = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), more);
}

void collect(const Node& node, std::set<std::string>& names) {
  for (Reference found = next_reference(node.text, 0); found.begin != std::string_view::npos;
       found = next_reference(node.text, found.end)) {
    if (!found.escaped && found.closed) names.insert(std::string(found.name));
  }
  for (const Node& item : node.items) collect(item, names);
}

}  // namespace

const Reserved* Reader::reserved(std::string_view name) const {
  for (const Reserved& entry : reserved_)
    if (entry.name == name) return &entry;
  return nullptr;
}

std::optional<std::string> Reader::substitute(const Node& node, const std::string& what, unsigned later,
                                              bool* replaced) {
  const std::string_view text = node.text;
  std::string result;
  bool good = true;
  std::size_t from = 0;
  for (Reference found = next_reference(text, 0); found.begin != std::string_view::npos;
       found = next_reference(text, from)) {
    result += text.substr(from, found.begin - from);
    from = found.end;
    if (replaced) *replaced = true;
    const Reserved* known = reserved(found.name);
    const std::string shown = "${" + printable(found.name, 60) + "}";
    const bool usable = known && (later & known->where);
    const auto set = variables_.find(std::string(found.name));
    if (found.escaped && usable) {
      mistake(node.mark,
              fmt::format("{}: ${} cannot be escaped, because a later stage fills it in", what, shown));
    } else if (found.escaped) {
      result += "${";
      continue;
    } else if (usable) {
      result += text.substr(found.begin, found.end - found.begin);
      continue;
    } else if (!found.closed) {
      mistake(node.mark, fmt::format("{}: '${{' without '}}'", what), "a literal ${ is written $${");
    } else if (known) {
      mistake(node.mark, fmt::format("{}: {} means something only {}", what, shown, known->means));
    } else if (!is_variable_name(found.name)) {
      std::vector<std::string> names;
      for (const Reserved& entry : reserved_) {
        if (later & entry.where) names.push_back(entry.name);
      }
      mistake(node.mark, fmt::format("{}: {} is not a variable", what, shown),
              suggest(std::string(found.name), names, "the shell's own ${} is written $${}"));
    } else if (set == variables_.end()) {
      mistake(node.mark, fmt::format("{}: variable {} is not set", what, shown),
              fmt::format("--set {}=... (or ${} when the shell is meant)", found.name, shown));
    } else {
      result += set->second;
      continue;
    }
    good = false;
  }
  if (!good) return std::nullopt;
  result += text.substr(from);
  return result;
}

void Reader::check_variables(const Node& root) {
  std::set<std::string> used;
  collect(root, used);
  std::vector<std::string> unset;
  for (const std::string& name : used) {
    if (!variables_.count(name) && is_variable_name(name) && !reserved(name)) unset.push_back(name);
  }
  for (const auto& [name, value] : variables_) {
    if (reserved(name)) {
      add({Fault::input, fmt::format("--set {}: this name is reserved", name), name_, "choose another name"});
    } else if (!is_variable_name(name)) {
      add({Fault::input, fmt::format("--set {}: this is not a variable name", quoted(name)), name_,
           "letters, digits, '_' and '-', a letter first"});
    } else if (!used.count(name)) {
      add({Fault::input, fmt::format("--set {}: {} has no ${{{}}}", name, whole_, name), name_,
           suggest(name, unset, "remove it")});
    }
  }
}

}  // namespace labctl::yaml
