// ${name}: the author's variables, given with --set, and the few names that a later stage fills in.

#include <algorithm>
#include <array>

#include "labctl/base/text.h"
#include "labctl/scenario/reader.h"

namespace labctl::scenario {
namespace {

struct Reserved {
  const char* name;
  Later later;
  const char* where;
};
constexpr std::array<Reserved, 4> reserved_names = {{
    {"image", image_later, "in the paths of artefacts"},
    {"content.sha256", content_later, "in proofs and run steps of a scenario with content"},
    {"content.path", content_later, "in proofs and run steps of a scenario with content"},
    {"driver.sha256", driver_later, "in proofs and run steps"},
}};

const Reserved* reserved(std::string_view name) {
  for (const Reserved& entry : reserved_names) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto more = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), more);
}

// One ${...} or $${ in a text; `name` is empty when it is escaped or never closed.
struct Found {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;  // behind the last byte that belongs to it
  std::string_view name;
  bool escaped = false;
  bool closed = true;
};

Found next(std::string_view text, std::size_t from) {
  const std::size_t brace = text.find("${", from);
  if (brace == std::string_view::npos) return {};
  Found found;
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

void collect(const Node& node, std::set<std::string>& names) {
  for (Found found = next(node.text, 0); found.begin != std::string_view::npos;
       found = next(node.text, found.end)) {
    if (!found.escaped && found.closed) names.insert(std::string(found.name));
  }
  for (const Node& item : node.items) collect(item, names);
}

}  // namespace

std::optional<std::string> Reader::substitute(const Node& node, const std::string& what, unsigned later,
                                              bool* replaced) {
  const std::string_view text = node.text;
  std::string result;
  bool good = true;
  std::size_t from = 0;
  for (Found found = next(text, 0); found.begin != std::string_view::npos; found = next(text, from)) {
    result += text.substr(from, found.begin - from);
    from = found.end;
    if (replaced) *replaced = true;
    const Reserved* known = reserved(found.name);
    const std::string shown = "${" + printable(found.name, 60) + "}";
    const bool usable = known && (later & known->later);
    const auto set = variables_.find(std::string(found.name));
    if (found.escaped && usable) {
      mistake(node.mark, what + ": $" + shown + " cannot be escaped, because a later stage fills it in");
    } else if (found.escaped) {
      result += "${";
      continue;
    } else if (usable) {
      result += text.substr(found.begin, found.end - found.begin);
      continue;
    } else if (!found.closed) {
      mistake(node.mark, what + ": '${' without '}'", "a literal ${ is written $${");
    } else if (known) {
      mistake(node.mark, what + ": " + shown + " means something only " + known->where);
    } else if (!is_variable_name(found.name)) {
      std::vector<std::string> names;
      for (const Reserved& entry : reserved_names) {
        if (later & entry.later) names.push_back(entry.name);
      }
      mistake(node.mark, what + ": " + shown + " is not a variable",
              suggest(std::string(found.name), names, "the shell's own ${} is written $${}"));
    } else if (set == variables_.end()) {
      mistake(node.mark, what + ": variable " + shown + " is not set",
              "--set " + std::string(found.name) + "=... (or $" + shown + " when the shell is meant)");
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
      add({Fault::input, "--set " + name + ": this name is reserved", name_, "choose another name"});
    } else if (!is_variable_name(name)) {
      add({Fault::input, "--set " + quoted(name) + ": this is not a variable name", name_,
           "letters, digits, '_' and '-', a letter first"});
    } else if (!used.count(name)) {
      add({Fault::input, "--set " + name + ": the scenario has no ${" + name + "}", name_,
           suggest(name, unset, "remove it")});
    }
  }
}

}  // namespace labctl::scenario
