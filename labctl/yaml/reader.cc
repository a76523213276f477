#include "labctl/yaml/reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::yaml {
namespace {

constexpr std::size_t max_mistakes = 100;
constexpr std::size_t most_kept = 5000;
constexpr std::size_t most_entries = 1000;
constexpr std::size_t longest_name = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_boolean(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text == "yes" || text == "no" || text == "on" || text == "off" || text == "true" || text == "false";
}

// What some YAML reader would take for a number: 7.10 would lose its zero, 010 would become 8.
bool is_number(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o' || text[1] == 'b')) {
    return std::all_of(text.begin() + 2, text.end(),
                       [](unsigned char c) { return std::isxdigit(c) || c == '_'; });
  }
  const bool begins =
      (!text.empty() && is_digit(text[0])) || (text.size() > 1 && text[0] == '.' && is_digit(text[1]));
  if (!begins || text.size() > 64) return false;
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != '_'; });
  if (std::all_of(digits.begin(), digits.end(), is_digit)) return true;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return end == digits.data() + digits.size();
}

bool is_octal(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && std::all_of(text.begin(), text.end(), is_digit);
}

// "a duration such as 20s" where a bare number was written.
bool is_bare_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
}

// "7.10" -> "is a number", for whoever wrote it and meant text.
std::string why_not_text(const std::string& text) {
  if (is_boolean(text)) return "is a boolean to YAML, not text";
  if (is_octal(text)) return "is an octal number to YAML, not text";
  if (is_number(text)) return "is a number to YAML, not text";
  return "";
}

}  // namespace

std::string quoted(std::string_view text) { return "'" + printable(text, 60) + "'"; }

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::nothing:
      return "nothing";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a map";
    case Node::Kind::scalar:
      return quoted(node.text);
  }
  return "";
}

std::string suggest(const std::string& word, const std::vector<std::string>& known,
                    const std::string& otherwise) {
  // Nobody misspells a kilobyte, and the distance of long words is slow to compute.
  if (word.size() <= longest_name) {
    if (const auto meant = did_you_mean(word, known)) return fmt::format("did you mean '{}'?", *meant);
  }
  return otherwise;
}

Result<Millis> bounded_duration(const std::string& text, Millis least, Millis most) {
  if (is_bare_number(text)) {
    return input_error(fmt::format("{} has no unit", quoted(text)), "",
                       fmt::format("write {}s for seconds", printable(text, 20)));
  }
  auto value = parse_duration(text);
  if (!value)
    return input_error(fmt::format("{} is not a duration such as 20s", quoted(text)), "",
                       "units: ms, s, m, h, d");
  if (*value < least || *value > most) {
    return input_error(
        fmt::format("{} is not between {} and {}", quoted(text), show_duration(least), show_duration(most)));
  }
  return *value;
}

void Reader::mistake(Mark mark, const std::string& what, const std::string& hint) {
  if (mistakes_.size() == most_kept) {
    ++dropped_;
    return;
  }
  // What the author wrote is quoted in both, and a label that is wrong may hold anything.
  mistakes_.push_back({mark, {Fault::input, printable(what, 500), at(name_, mark), printable(hint, 500)}});
}

void Reader::add(Error error) { mistakes_.push_back({{0, 0}, std::move(error)}); }

std::vector<Error> Reader::take_mistakes() {
  std::stable_sort(mistakes_.begin(), mistakes_.end(), [](const Mistake& a, const Mistake& b) {
    return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
  });
  std::vector<Error> errors;
  for (Mistake& placed : mistakes_) {
    if (errors.size() == max_mistakes) {
      errors.push_back({Fault::input,
                        fmt::format("{} more mistakes", mistakes_.size() - max_mistakes + dropped_), name_,
                        ""});
      break;
    }
    errors.push_back(std::move(placed.error));
  }
  mistakes_.clear();
  return errors;
}

bool Reader::map(const Node& node, const std::string& what, std::initializer_list<Field> fields) {
  if (node.kind != Node::Kind::map) {
    mistake(node.mark, fmt::format("{}: expected keys and values, found {}", called(what), describe(node)));
    return false;
  }
  if (too_many(node, called(what))) return false;
  std::vector<std::string> known;
  for (const Field& field : fields) known.push_back(field.name);
  for (const Key& key : node.keys) {
    if (std::find(known.begin(), known.end(), key.text) != known.end()) continue;
    mistake(key.mark, fmt::format("{}unknown key {}", what.empty() ? "" : what + ": ", quoted(key.text)),
            suggest(key.text, known, fmt::format("known keys: {}", join(known, ", "))));
  }
  for (const Field& field : fields) {
    if (field.need == Need::required && !has(node, field.name)) {
      mistake(node.mark, fmt::format("{} has no '{}'", called(what), field.name), field.hint);
    }
  }
  return true;
}

bool Reader::has(const Node& node, const std::string& key) {
  return std::any_of(node.keys.begin(), node.keys.end(), [&](const Key& written) {
    return written.text == key || (written.text.size() <= longest_name && did_you_mean(written.text, {key}));
  });
}

bool Reader::too_many(const Node& node, const std::string& what) {
  if (node.items.size() <= most_entries) return false;
  mistake(node.mark, fmt::format("{}: {} entries are more than {}", what, node.items.size(), most_entries));
  return true;
}

bool Reader::list(const Node& node, const std::string& what) {
  if (node.kind != Node::Kind::list) {
    const bool word = node.kind == Node::Kind::scalar && node.text.size() <= 60;
    mistake(node.mark, fmt::format("{}: expected a list, found {}", what, describe(node)),
            word ? fmt::format("write [{}]", printable(node.text, 60)) : "");
    return false;
  }
  if (node.items.empty()) mistake(node.mark, fmt::format("{}: this list is empty", what));
  return !node.items.empty() && !too_many(node, what);
}

bool Reader::names(const Node& node, const std::string& what) {
  if (node.kind != Node::Kind::map) {
    mistake(node.mark, fmt::format("{}: expected keys and values, found {}", what, describe(node)),
            node.kind == Node::Kind::scalar ? "write {candidate: PATH}" : "");
    return false;
  }
  if (node.keys.empty()) mistake(node.mark, fmt::format("{}: this map is empty", what));
  if (too_many(node, what)) return false;
  for (const Key& key : node.keys) {
    const std::string reason = key.plain ? why_not_text(key.text) : "";
    if (!reason.empty()) mistake(key.mark, what + ": " + quoted(key.text) + " " + reason, "put it in quotes");
  }
  return true;
}

std::optional<std::string> Reader::scalar(const Node& node, const std::string& what, const char* expected,
                                          unsigned later, bool* replaced) {
  if (node.kind != Node::Kind::scalar) {
    mistake(node.mark, fmt::format("{}: expected {}, found {}", what, expected, describe(node)));
    return std::nullopt;
  }
  return substitute(node, what, later, replaced);
}

std::optional<std::string> Reader::text(const Node& node, const std::string& what, unsigned later) {
  bool replaced = false;
  auto value = scalar(node, what, "text", later, &replaced);
  if (!value) return std::nullopt;
  const std::string reason = node.plain && !replaced ? why_not_text(*value) : "";
  if (!reason.empty()) {
    mistake(node.mark, what + ": " + quoted(*value) + " " + reason, "put it in quotes");
    return std::nullopt;
  }
  // Values given with --set have not been through the YAML checks.
  for (const unsigned char c : *value) {
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      mistake(node.mark, fmt::format("{}: a control character in this text", what));
      return std::nullopt;
    }
  }
  return value;
}

std::optional<std::string> Reader::one_line(const Node& node, const std::string& what, unsigned later) {
  auto value = text(node, what, later);
  if (!value) return std::nullopt;
  if (trim(*value).empty()) {
    mistake(node.mark, fmt::format("{} is empty", what));
    return std::nullopt;
  }
  if (value->find_first_of("\n\t") != std::string::npos) {
    mistake(node.mark, fmt::format("{}: expected one line without tabs", what));
    return std::nullopt;
  }
  return value;
}

std::optional<int> Reader::integer(const Node& node, const std::string& what, int least, int most) {
  bool replaced = false;
  auto text = scalar(node, what, "a whole number", nothing_later, &replaced);
  if (!text) return std::nullopt;
  if (is_octal(*text)) {
    const std::size_t first = std::min(text->find_first_not_of('0'), text->size() - 1);
    mistake(node.mark,
            fmt::format("{}: {} is octal to some YAML readers and decimal to others", what, quoted(*text)),
            fmt::format("write {}", printable(text->substr(first), 20)));
    return std::nullopt;
  }
  if (!node.plain && !replaced) {
    mistake(node.mark, fmt::format("{}: expected a whole number, found the text {}", what, quoted(*text)),
            "remove the quotes");
    return std::nullopt;
  }
  long long value = 0;
  const char* end = text->data() + text->size();
  const auto [stopped, error] = std::from_chars(text->data(), end, value);
  if (error == std::errc::invalid_argument || stopped != end) {
    mistake(node.mark, fmt::format("{}: expected a whole number, found {}", what, quoted(*text)));
    return std::nullopt;
  }
  if (error != std::errc() || value < least || value > most) {
    mistake(node.mark, fmt::format("{}: {} is not between {} and {}", what, quoted(*text), least, most));
    return std::nullopt;
  }
  return static_cast<int>(value);
}

std::optional<Millis> Reader::duration(const Node& node, const std::string& what, Millis least, Millis most) {
  const auto text = scalar(node, what, "a duration such as 20s", nothing_later);
  if (!text) return std::nullopt;
  auto value = bounded_duration(*text, least, most);
  if (value) return *value;
  mistake(node.mark, what + ": " + value.error().what, value.error().hint);
  return std::nullopt;
}

std::optional<std::uint64_t> Reader::size(const Node& node, const std::string& what, std::uint64_t least,
                                          std::uint64_t most) {
  const auto text = scalar(node, what, "a size such as 1GiB", nothing_later);
  if (!text) return std::nullopt;
  if (is_bare_number(*text)) {
    mistake(node.mark, fmt::format("{}: {} has no unit", what, quoted(*text)),
            fmt::format("write {}MiB or GiB", printable(*text, 20)));
    return std::nullopt;
  }
  const auto value = parse_size(*text);
  if (!value) {
    mistake(node.mark, fmt::format("{}: {} is not a size such as 1GiB", what, quoted(*text)),
            "units: KiB, MiB, GiB, TiB");
    return std::nullopt;
  }
  if (*value < least || *value > most) {
    mistake(node.mark, fmt::format("{}: {} is not between {} and {}", what, quoted(*text), show_size(least),
                                   show_size(most)));
    return std::nullopt;
  }
  return *value;
}

std::optional<Date> Reader::date(const Node& node, const std::string& what) {
  const auto text = scalar(node, what, "a day such as 2026-12-31", nothing_later);
  if (!text) return std::nullopt;
  const auto value = parse_date(*text);
  if (value) return *value;
  mistake(node.mark, what + ": " + value.error().what);
  return std::nullopt;
}

std::optional<std::size_t> Reader::choice(const Node& node, const std::string& what,
                                          const std::vector<std::string>& words) {
  const std::string expected = fmt::format("one of {}", join(words, ", "));
  const auto text = scalar(node, what, expected.c_str(), nothing_later);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  mistake(node.mark, fmt::format("{}: expected {}, found {}", what, expected, quoted(*text)),
          suggest(*text, words, ""));
  return std::nullopt;
}

std::vector<std::string> Reader::texts(const Node& node, const std::string& what, unsigned later) {
  std::vector<std::string> values;
  if (!list(node, what)) return values;
  for (const Node& item : node.items) {
    auto value = text(item, what, later);
    if (!value) continue;
    if (trim(*value).empty()) {
      mistake(item.mark, fmt::format("{}: an empty entry", what));
    } else {
      values.push_back(std::move(*value));
    }
  }
  return values;
}

}  // namespace labctl::yaml
