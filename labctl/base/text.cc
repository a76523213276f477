#include "labctl/base/text.h"

#include <fmt/core.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

namespace labctl {

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n\v\f";
  auto begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (const auto& part : parts) {
    if (&part != &parts.front()) text += separator;
    text += part;
  }
  return text;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string join_some(const std::vector<std::string>& parts) {
  constexpr std::size_t most = 20;
  if (parts.size() <= most) return join(parts, ", ");
  return fmt::format("{} and {} more", join({parts.begin(), parts.begin() + most}, ", "),
                     parts.size() - most);
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, retry = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      retry = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++retry;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

namespace {

// Damerau's: two neighbours that changed places are one edit, as they are one slip of the fingers.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 100) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) best = &candidate, best_distance = distance;
  }
  return best ? std::optional(*best) : std::nullopt;
}

namespace {

// The length of the valid UTF-8 sequence at the front, 0 when it is none; `code` gets the code point.
std::size_t utf8_sequence(std::string_view text, std::uint32_t& code) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  std::size_t length = first < 0x80         ? 1
                       : (first >> 5) == 6  ? 2
                       : (first >> 4) == 14 ? 3
                       : (first >> 3) == 30 ? 4
                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  code = length == 1 ? first : first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  static constexpr std::array<std::uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < smallest[length] || surrogate || code > 0x10ffff ? 0 : length;
}

bool misleads_a_reader(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x61c || code == 0x180e ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb) ||
         (code >= 0xe0000 && code <= 0xe007f);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  std::uint32_t code = 0;
  return text.empty() ? 0 : utf8_sequence(text, code);
}

std::string printable(std::string_view untrusted, std::size_t limit) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string safe;
  while (!untrusted.empty()) {
    std::uint32_t code = 0;
    std::size_t length = utf8_sequence(untrusted, code);
    std::string piece;
    if (length != 0 && !misleads_a_reader(code)) {
      piece = untrusted.substr(0, length);
    } else if (code == '\t' && length == 1) {
      piece = " ";
    } else {
      length = std::max<std::size_t>(length, 1);
      for (unsigned char c : untrusted.substr(0, length)) piece += {'\\', 'x', hex[c >> 4], hex[c & 15]};
    }
    if (safe.size() + piece.size() + 3 > limit) return safe + "...";
    safe += piece;
    untrusted.remove_prefix(length);
  }
  return safe;
}

namespace {

// The length of a colour's escape sequence ("ESC [ 1 ; 31 m") at the front, 0 when there is none.
std::size_t colour_sequence(std::string_view text) {
  if (!text.starts_with("\033[")) return 0;
  const auto end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && end < 24 && text[end] == 'm' ? end + 1 : 0;
}

std::string symbol_of(std::uint32_t code) {
  if (code == 0x7f) return "\u2421";
  if (code < 0x20) return {'\xe2', '\x90', static_cast<char>(0x80 + code)};  // U+2400: a picture for each
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string digits;
  for (int shift = code > 0xffff ? 20 : 12; shift >= 0; shift -= 4) digits += hex[code >> shift & 15];
  return "\u2039U+" + digits + "\u203a";
}

}  // namespace

std::string visible(std::string_view untrusted, std::size_t limit) {
  std::string safe;
  while (!untrusted.empty()) {
    if (safe.size() >= limit) return safe + "\u2026";
    if (std::size_t colour = colour_sequence(untrusted)) {
      untrusted.remove_prefix(colour);
      continue;
    }
    std::uint32_t code = 0;
    const std::size_t length = utf8_sequence(untrusted, code);
    const bool noncharacter = (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);
    if (length == 0 || noncharacter)
      safe += "\ufffd";
    else if (untrusted.starts_with("\r\n"))
      ;  // the line's end follows
    else if (code == '\n' || code == '\t' || !misleads_a_reader(code))
      safe += untrusted.substr(0, length);
    else
      safe += symbol_of(code);
    untrusted.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return safe;
}

std::string slug(std::string_view text) {
  std::string word;
  for (unsigned char c : text) {
    bool keep = std::isalnum(c) || c == '.' || c == '-';
    word += keep ? static_cast<char>(std::tolower(c)) : '-';
  }
  while (!word.empty() && (word.front() == '.' || word.front() == '-')) word.erase(0, 1);
  return word.empty() ? "x" : word;
}

std::string shell_quote(std::string_view word) {
  std::string quoted = "'";
  for (char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// OpenSSL counts in int, and ends what it writes with a zero.
std::string base64_encode(std::string_view bytes) {
  constexpr std::size_t most_at_once = 3u << 20;
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += most_at_once) {
    const std::string_view part = bytes.substr(i, most_at_once);
    std::string encoded((part.size() + 2) / 3 * 4 + 1, '\0');
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(part.data()), static_cast<int>(part.size()));
    text.append(encoded, 0, static_cast<std::size_t>(length));
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text, std::size_t limit) {
  constexpr std::size_t most = std::size_t{1} << 30;
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t enough = (std::min(limit, most) / 3 + 1) * 4;
  const bool cut = text.size() > enough;
  text = text.substr(0, enough);
  if (text.empty()) return std::string();
  if (text.size() > most || (cut && text.ends_with('='))) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  // One text for one value: neither blanks nor bits that no byte uses may hide anything.
  if (base64_encode(bytes) != text) return std::nullopt;
  if (bytes.size() > limit) bytes.resize(limit);
  return bytes;
}

}  // namespace labctl
