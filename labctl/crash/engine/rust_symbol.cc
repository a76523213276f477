#include "labctl/crash/engine/rust_symbol.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace labctl::crash {
namespace {

constexpr unsigned deepest = 24;       // a path in a path
constexpr std::size_t longest = 1000;  // of what is read, references to what was read before included

bool digit(char c) { return c >= '0' && c <= '9'; }
bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }

// Reads the grammar of the mangling front to back; a member returns nothing, or false, when the text is none.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::string> path(unsigned depth);

 private:
  char next() { return at_ < text_.size() ? text_[at_++] : '\0'; }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool base62(std::uint64_t& value);
  bool skip_disambiguator();
  std::optional<std::string> name();
  std::optional<std::string> reference(unsigned depth, bool type);
  std::optional<std::string> type(unsigned depth);
  std::optional<std::string> tuple(unsigned depth);
  std::optional<std::string> self_type(unsigned depth);
  bool skip_arguments(unsigned depth);
  bool skip_function(unsigned depth);
  bool skip_constant(unsigned depth);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t read_ = 0;
};

bool Reader::base62(std::uint64_t& value) {
  value = 0;
  if (take('_')) return true;
  constexpr unsigned longest_hash = 13;
  for (unsigned i = 0; i < longest_hash; ++i) {  // a hash may wrap, and is not used; a place never does
    const char c = next();
    if (c == '_') {
      ++value;
      return true;
    }
    if (!digit(c) && !lower(c) && !upper(c)) return false;
    const int one = digit(c) ? c - '0' : lower(c) ? c - 'a' + 10 : c - 'A' + 36;
    value = value * 62 + static_cast<std::uint64_t>(one);
  }
  return false;
}

bool Reader::skip_disambiguator() {
  std::uint64_t ignored = 0;
  return !take('s') || base62(ignored);
}

std::optional<std::string> Reader::name() {
  if (!skip_disambiguator()) return std::nullopt;
  take('u');  // Punycode: left as it is
  std::size_t length = 0;
  if (at_ >= text_.size() || !digit(text_[at_])) return std::nullopt;
  while (at_ < text_.size() && digit(text_[at_]) && length < longest)
    length = length * 10 + static_cast<std::size_t>(next() - '0');
  take('_');
  if (length > text_.size() - at_) return std::nullopt;
  at_ += length;
  return std::string(text_.substr(at_ - length, length));
}

// A place in the text that was read before.
std::optional<std::string> Reader::reference(unsigned depth, bool type_there) {
  std::uint64_t place = 0;
  const std::size_t here = at_;
  if (!base62(place) || place >= here) return std::nullopt;
  const std::size_t back = at_;
  at_ = static_cast<std::size_t>(place);
  auto text = type_there ? type(depth + 1) : path(depth + 1);
  at_ = back;
  return text;
}

std::optional<std::string> Reader::path(unsigned depth) {
  if (depth > deepest || ++read_ > longest) return std::nullopt;
  switch (next()) {
    case 'C':
      return name();
    case 'N': {
      const char space = next();
      if (!lower(space) && !upper(space)) return std::nullopt;
      auto outer = path(depth + 1);
      auto inner = outer ? name() : std::nullopt;
      if (!inner) return std::nullopt;
      if (upper(space)) return *outer + "::{" + (space == 'C' ? "closure" : "shim") + "}";
      return inner->empty() ? *outer : *outer + "::" + *inner;
    }
    case 'M':
      if (!skip_disambiguator() || !path(depth + 1)) return std::nullopt;
      if (auto self = type(depth + 1)) return "<" + *self + ">";
      return std::nullopt;
    case 'X':
      if (!skip_disambiguator() || !path(depth + 1)) return std::nullopt;
      return self_type(depth);
    case 'Y':
      return self_type(depth);
    case 'I': {
      auto generic = path(depth + 1);
      return generic && skip_arguments(depth) ? generic : std::nullopt;
    }
    case 'B':
      return reference(depth, false);
    default:
      return std::nullopt;
  }
}

// "<Type as Trait>"
std::optional<std::string> Reader::self_type(unsigned depth) {
  auto self = type(depth + 1);
  auto trait = self ? path(depth + 1) : std::nullopt;
  if (!trait) return std::nullopt;
  return fmt::format("<{} as {}>", *self, *trait);
}

std::optional<std::string> Reader::tuple(unsigned depth) {
  while (!take('E')) {
    if (!type(depth + 1)) return std::nullopt;
  }
  return "(_)";
}

std::optional<std::string> Reader::type(unsigned depth) {
  if (depth > deepest || ++read_ > longest || at_ >= text_.size()) return std::nullopt;
  const char kind = text_[at_];
  if (lower(kind)) {  // a basic type
    ++at_;
    return std::string(kind == 'u' ? "()" : kind == 'h' ? "u8" : kind == 'e' ? "str" : "_");
  }
  std::uint64_t ignored = 0;
  switch (kind) {
    case 'B':
      ++at_;
      return reference(depth, true);
    case 'R':
    case 'Q':
      ++at_;
      if (take('L') && !base62(ignored)) return std::nullopt;
      return type(depth + 1);
    case 'P':
    case 'O':
    case 'S':
      ++at_;
      return type(depth + 1);
    case 'A': {
      ++at_;
      auto item = type(depth + 1);
      return item && skip_constant(depth) ? item : std::nullopt;
    }
    case 'T':
      ++at_;
      return tuple(depth);
    case 'F':
      ++at_;
      return skip_function(depth) ? std::optional<std::string>("fn") : std::nullopt;
    case 'D':
      return std::nullopt;  // a dyn type: its grammar is not worth it
    default:
      return path(depth + 1);
  }
}

bool Reader::skip_function(unsigned depth) {
  std::uint64_t ignored = 0;
  if (take('G') && !base62(ignored)) return false;
  take('U');
  if (take('K') && !take('C') && !name()) return false;
  while (!take('E')) {
    if (!type(depth + 1)) return false;
  }
  return type(depth + 1).has_value();
}

bool Reader::skip_arguments(unsigned depth) {
  std::uint64_t ignored = 0;
  while (!take('E')) {
    if (take('L')) {
      if (!base62(ignored)) return false;
    } else if (take('K')) {
      if (!skip_constant(depth)) return false;
    } else if (!type(depth + 1)) {
      return false;
    }
  }
  return true;
}

bool Reader::skip_constant(unsigned depth) {
  std::uint64_t ignored = 0;
  if (take('p')) return true;
  if (take('B')) return base62(ignored);
  if (!type(depth + 1)) return false;
  take('n');
  for (char c = next(); c != '_'; c = next()) {
    if (!digit(c) && !lower(c)) return false;
  }
  return true;
}

}  // namespace

std::string rust_path(std::string_view symbol) {
  if (!symbol.starts_with("_R")) return {};
  symbol.remove_prefix(2);
  if (symbol.empty() || !upper(symbol.front())) return {};
  return Reader(symbol.substr(0, longest)).path(0).value_or("");
}

}  // namespace labctl::crash
