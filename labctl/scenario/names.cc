#include "labctl/scenario/names.h"

#include <algorithm>
#include <cctype>

namespace labctl::scenario {
namespace {

constexpr std::size_t longest_slug = 64, longest_model = 60, longest_module = 55, longest_service = 80;

// Letters, digits and these, whatever the locale is.
bool consists_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || others.find(static_cast<char>(c)) != others.npos);
  });
}

}  // namespace

bool is_slug(std::string_view text) {
  if (text.empty() || text.size() > longest_slug) return false;
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (word(text[i])) continue;
    const bool between = i > 0 && i + 1 < text.size() && word(text[i - 1]) && word(text[i + 1]);
    if ((text[i] != '.' && text[i] != '-') || !between) return false;
  }
  return true;
}

bool is_cpu_model(std::string_view text) {
  return !text.empty() && text.size() <= longest_model && text.front() != '-' && consists_of(text, "-_.");
}

bool is_module_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_module && consists_of(text, "_");
}

bool is_service_name(std::string_view text) {
  return !text.empty() && text.size() <= longest_service && text.front() != '-' && consists_of(text, "_-.");
}

bool is_module_option(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  return !name.empty() && consists_of(name, "_-.") && text.find_first_of("\n\t") == text.npos;
}

}  // namespace labctl::scenario
