#include "labctl/base/columns.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "labctl/base/text.h"

namespace labctl {
namespace {

struct Character {
  std::size_t bytes, columns;
};

// Unicode's wide and combining characters, as far as names and consoles have them.
constexpr struct {
  std::uint32_t first, last;
  std::size_t columns;
} unusual[] = {{0x300, 0x36f, 0},     {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},  {0x20d0, 0x20ff, 0},
               {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},  {0xf900, 0xfaff, 2},
               {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},  {0xffe0, 0xffe6, 2},
               {0x1f300, 0x1f64f, 2}, {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2}};

std::uint32_t code_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0xffu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3fu);
  return code;
}

// The one that begins the text, which is not empty.
Character first_of(std::string_view text) {
  const std::size_t bytes = std::max<std::size_t>(1, utf8_length(text));
  const std::uint32_t code = code_of(text.substr(0, bytes));
  const auto* range = std::find_if(std::begin(unusual), std::end(unusual),
                                   [&](const auto& one) { return code >= one.first && code <= one.last; });
  return {bytes, range == std::end(unusual) ? 1 : range->columns};
}

// The bytes of the longest beginning of at most so many columns.
std::size_t beginning(std::string_view text, std::size_t width) {
  std::size_t at = 0, used = 0;
  while (at < text.size()) {
    const auto next = first_of(text.substr(at));
    if (used + next.columns > width) break;
    used += next.columns;
    at += next.bytes;
  }
  return at;
}

// The first byte of the longest end of at most so many columns.
std::size_t ending(std::string_view text, std::size_t width) {
  std::size_t skip = columns(text), at = 0;
  while (at < text.size() && skip > width) {
    const auto next = first_of(text.substr(at));
    skip -= next.columns;
    at += next.bytes;
  }
  return at;
}

constexpr std::string_view ellipsis = "\u2026";

// How much of a word that is wider stands before the break.
std::size_t break_in(std::string_view word, std::size_t width) {
  const std::size_t most = std::max(beginning(word, width), first_of(word).bytes);
  const auto sign = word.substr(0, most).find_last_of("./-,_");
  return sign == word.npos || sign < most / 2 ? most : sign + 1;
}

}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto next = first_of(text.substr(at));
    width += next.columns;
    at += next.bytes;
  }
  return width;
}

std::string fill(std::string text, std::size_t width) {
  if (const auto has = columns(text); has < width) text.append(width - has, ' ');
  return text;
}

std::string cut_end(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(text.substr(0, beginning(text, width - 1))) += ellipsis;
}

std::string cut_middle(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  if (width == 0) return {};
  const std::size_t before = (width - 1) / 2, after = width - 1 - before;
  std::string cut(text.substr(0, beginning(text, before)));
  cut += ellipsis;
  return cut += text.substr(ending(text, after));
}

std::vector<std::string> wrap(std::string_view line, std::size_t width, std::size_t indent) {
  indent = std::min({indent, width / 2, width < 2 ? 0 : width - 2});  // the widest character has two
  std::vector<std::string> lines;
  std::string now;
  std::size_t used = 0, own = 0;  // columns of this line, and of its indent
  const auto next_line = [&] {
    now.erase(now.find_last_not_of(' ') + 1);
    lines.push_back(std::move(now));
    now.assign(indent, ' ');
    used = own = indent;
  };
  // A word with the spaces before it.
  while (!line.empty()) {
    const auto begin = std::min(line.find_first_not_of(' '), line.size());
    const auto end = std::min(line.find(' ', begin), line.size());
    std::string_view spaces = line.substr(0, begin), word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    if (word.empty()) break;
    const std::size_t wide = columns(word);
    const bool first = used == own && lines.empty();
    if (!first && used + spaces.size() + wide > width && used > own) next_line();
    if (used > own || first) {
      const std::size_t shown = std::min(spaces.size(), width / 2);
      now.append(shown, ' ');
      used += shown;
    }
    while (used + columns(word) > width) {
      const auto part = break_in(word, width > used ? width - used : 1);
      now += word.substr(0, part);
      word.remove_prefix(part);
      next_line();
    }
    now += word;
    used += columns(word);
  }
  if (used > own || lines.empty()) lines.push_back(std::move(now));
  return lines;
}

std::string wrap_lines(std::string_view text, std::size_t width, std::size_t indent) {
  std::vector<std::string> lines;
  for (const auto& line : split(text, '\n'))
    for (auto& one : wrap(line, width, indent)) lines.push_back(std::move(one));
  return join(lines, "\n");
}

std::string in_columns(const std::vector<std::string>& words, std::size_t width, std::size_t indent) {
  constexpr std::size_t between = 2;
  std::size_t widest = 1;
  for (const auto& word : words) widest = std::max(widest, columns(word));
  const std::size_t room = width > indent ? width - indent : 1;
  const std::size_t many = std::max<std::size_t>(1, (room + between) / (widest + between));
  const std::size_t rows = (words.size() + many - 1) / many;
  std::string text;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string line(indent, ' ');
    for (std::size_t i = row; i < words.size(); i += rows)
      line += i + rows < words.size() ? fill(words[i], widest + between) : words[i];
    text += join(wrap(line, width, indent + between), "\n") + "\n";
  }
  return text;
}

}  // namespace labctl
