#include "labctl/guest/script.h"

#include "labctl/base/text.h"

namespace labctl::guest {
namespace {

// Within single quotes PowerShell knows nothing but the quote itself.
std::string powershell_quote(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string shell_script(const Values& values, std::string_view body,
                         const std::vector<std::string>& arguments) {
  std::string text;
  for (const auto& [variable, value] : values) text += variable + ("=" + shell_quote(value)) + "\n";
  if (!arguments.empty()) {
    text += "set --";
    for (const auto& argument : arguments) text += " " + shell_quote(argument);
    text += "\n";
  }
  return text.append(body);
}

std::string powershell_script(const std::string& name, const Values& values,
                              std::initializer_list<std::string_view> parts) {
  std::string text = "# labctl " + name + "\n$ErrorActionPreference = 'Stop'\n";
  for (const auto& [variable, value] : values)
    text += "$" + std::string(variable) + " = " + powershell_quote(value) + "\n";
  for (const auto part : parts) text += part;
  return text;
}

}  // namespace labctl::guest
