#include "labctl/guest/load_failure.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "labctl/base/text.h"

namespace labctl::guest {
namespace {

constexpr std::size_t most_parts = 6, longest_line = 200, longest_signer = 80;

struct Meaning {
  std::string_view code, words;
};

constexpr Meaning events[]{
    {"7000", "event 7000 (the service did not start)"},
    {"7026", "event 7026 (a driver of the boot did not load)"},
    {"219", "event 219 (Plug and Play could not load the driver)"},
    {"3004", "Code Integrity 3004 (the file's signature cannot be verified)"},
    {"3033", "Code Integrity 3033 (the file does not meet the signing level that is required)"},
    {"3076", "Code Integrity 3076 (a policy in audit mode would refuse the file)"},
    {"3077", "Code Integrity 3077 (a policy refused the file)"},
};

// Win32's errors and the kernel's statuses, which say the same of a driver.
constexpr Meaning codes[]{
    {"%%2", "the file is not there"},
    {"%%3", "the path is not there"},
    {"%%5", "access is denied"},
    {"%%31", "its device does not work"},
    {"%%127", "a procedure that it imports is not there"},
    {"%%193", "it is not a valid program"},
    {"%%577", "its signature cannot be verified"},
    {"%%1058", "the service is disabled"},
    {"%%1068", "a service that it depends on did not start"},
    {"%%1275", "a policy blocks it"},
    {"0xC0000034", "a file or a key is not there"},
    {"0xC0000263", "a procedure that it imports is not there"},
    {"0xC000026C", "the driver cannot be loaded"},
    {"0xC0000365", "its initialization failed"},
    {"0xC000036B", "a policy blocks it"},
    {"0xC0000428", "its signature cannot be verified"},
    {"0xC0000603", "its certificate was revoked"},
};

template <std::size_t n>
std::string_view words_of(const Meaning (&table)[n], std::string_view code) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const Meaning& each) { return each.code == code; });
  return found == std::end(table) ? std::string_view() : found->words;
}

bool is_code(std::string_view text) {
  const bool status = text.starts_with("0x");
  if (!status && !text.starts_with("%%")) return false;
  text.remove_prefix(2);
  return !text.empty() && text.size() <= 10 &&
         text.find_first_not_of(status ? "0123456789ABCDEF" : "0123456789") == std::string_view::npos;
}

std::string told(std::string_view part) {
  constexpr std::string_view setup = "setupapi ";
  if (part.starts_with(setup))
    return std::string("the setup log says: ").append(printable(part.substr(setup.size()), longest_line));
  constexpr std::string_view kernel = "kernel ";
  if (part.starts_with(kernel))
    return std::string("the kernel said: ").append(printable(part.substr(kernel.size()), longest_line));
  constexpr std::string_view signer = "3089 ";
  if (part.starts_with(signer))
    return fmt::format("Code Integrity 3089 (it is signed by '{}')",
                       printable(part.substr(signer.size()), longest_signer));
  const auto space = part.find(' ');
  std::string text(words_of(events, part.substr(0, space)));
  if (text.empty() || space == std::string_view::npos) return text;
  const std::string_view code = part.substr(space + 1), words = words_of(codes, code);
  if (!is_code(code)) return text;
  text.append(code.starts_with("%%") ? ", error " : ", status ");
  text.append(code.starts_with("%%") ? code.substr(2) : code);
  if (!words.empty()) text.append(" (").append(words).append(")");
  return text;
}

}  // namespace

std::string load_failure(std::string_view why) {
  std::vector<std::string> parts;
  for (const auto& part : split(std::string(why), ';'))
    if (auto text = told(trim(part)); !text.empty() && parts.size() < most_parts)
      parts.push_back(std::move(text));
  return join(parts, "; ");
}

}  // namespace labctl::guest
