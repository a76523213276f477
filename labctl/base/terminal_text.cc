#include "labctl/base/terminal_text.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "labctl/base/text.h"

namespace labctl {
namespace {

constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

// Where the next "##[" or "##vso[" begins.
std::size_t find_command(std::string_view line, std::size_t at) {
  for (at = line.find("##", at); at != line.npos; at = line.find("##", at + 1)) {
    const auto word = line.substr(at + 2);
    const auto end = std::find_if_not(
        word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
    if (end != word.end() && *end == '[') return at;
  }
  return line.npos;
}

std::string without_commands(std::string line) {
  for (auto at = find_command(line, 0); at != line.npos; at = find_command(line, at + 2))
    line.insert(at + 1, " ");
  const auto first = line.find_first_not_of(" \t");
  if (first != line.npos && line.compare(first, 2, "::") == 0) line.insert(first + 1, " ");
  return line;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::string safe_line(std::string_view line) {
  if (is_plain(line)) return without_commands(std::string(line));  // most are, and pages are long
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string> columns = split(line, '\t');
  for (auto& column : columns) column = printable(column, whole);
  return without_commands(join(columns, "\t"));
}

// "\u202e": a character of two to four bytes, as JSON writes it.
std::string json_escape(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  static constexpr char hex[] = "0123456789abcdef";
  const auto unit = [&](unsigned code) {
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text += hex[code >> shift & 15];
    return text;
  };
  if (character.size() == 1) return unit(byte(0));
  unsigned code = byte(0) & (0xffu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3fu);
  if (code < 0x10000) return unit(code);
  code -= 0x10000;
  return unit(0xd800 + (code >> 10)) + unit(0xdc00 + (code & 0x3ff));
}

}  // namespace

std::string for_terminal(std::string_view text) {
  std::vector<std::string> lines = split(text, '\n');
  for (auto& line : lines) line = safe_line(line);
  return join(lines, "\n");
}

std::string json_for_terminal(std::string_view json) {
  std::string safe;
  for (std::size_t at = 0; at < json.size();) {
    std::size_t length = 1;
    while (at + length < json.size() && (static_cast<unsigned char>(json[at + length]) & 0xc0) == 0x80)
      ++length;
    const std::string_view character = json.substr(at, length);
    at += length;
    const bool kept = character == "\n" || printable(character, whole) == character;
    if (kept && !(character == "#" && safe.ends_with('#')))
      safe += character;
    else
      safe += json_escape(character);  // outside of texts there are neither: it means the same
  }
  return safe;
}

}  // namespace labctl
