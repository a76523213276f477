#include "labctl/hunt/corpus.h"

#include <algorithm>
#include <cctype>

#include "labctl/base/digest.h"

namespace labctl::hunt {
namespace {

constexpr std::size_t looked_at = 16u << 10;  // bytes of an output
constexpr std::size_t shortest_word = 3;      // of the content

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Numbers in every base, and words that only repeat the content.
std::string plain_word(std::string_view word, std::string_view content) {
  const bool has_digit = std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  const bool is_hex =
      std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (is_hex && (has_digit || word.size() >= 8)) return "#";
  if (word.size() >= shortest_word && content.find(word) != content.npos) return "@";
  std::string plain;
  for (const char c : word)
    if (c < '0' || c > '9')
      plain += c;
    else if (plain.empty() || plain.back() != '#')
      plain += '#';
  return plain;
}

// Bytes that a terminal would not show differ as the content does.
std::string plain_line(std::string_view line, std::string_view content) {
  std::string plain;
  while (!line.empty()) {
    const auto length =
        static_cast<std::size_t>(std::find_if_not(line.begin(), line.end(), is_word) - line.begin());
    if (length > 0)
      plain += plain_word(line.substr(0, length), content);
    else if (line.front() >= ' ' && line.front() <= '~')
      plain += line.front();
    line.remove_prefix(std::max<std::size_t>(1, length));
  }
  return plain;
}

// Lines that are equal but for what differs anyway are one, however many there are.
std::string plain_output(std::string_view output, std::string_view content) {
  std::set<std::string> lines;
  output = output.substr(0, looked_at);
  while (!output.empty()) {
    const auto end = std::min(output.find('\n'), output.size());
    lines.insert(plain_line(output.substr(0, end), content));
    output.remove_prefix(std::min(output.size(), end + 1));
  }
  std::string plain;
  for (const auto& line : lines) plain += line + "\n";
  return plain;
}

// Of what was tried and what came of it; never 0.
std::uint64_t energy(int tries, int news) {
  return static_cast<std::uint64_t>(64 * (1 + 4 * news) / (4 + tries)) + 1;
}

template <class Weight>
std::size_t choose_by(std::size_t count, const Weight& weight, Chance& chance) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < count; ++i) all += weight(i);
  if (all == 0) return 0;
  std::uint64_t left = chance.next() % all;
  for (std::size_t i = 0; i < count; ++i) {
    if (left < weight(i)) return i;
    left -= weight(i);
  }
  return count - 1;
}

}  // namespace

std::string fingerprint(const std::vector<Said>& said, std::string_view content) {
  std::string text;
  for (const auto& one : said)
    text += std::to_string(one.exit_code) + "\n" + plain_output(one.output, content) + "\n";
  return sha256(text);
}

bool Corpus::add(Entry entry, std::size_t parent) {
  if (!answers_.insert(entry.answer).second) return false;
  if (parent < entries_.size()) ++entries_[parent].news;
  entries_.push_back(std::move(entry));
  return true;
}

void Corpus::add_given(Entry entry) {
  answers_.insert(entry.answer);
  entries_.push_back(std::move(entry));
}

Corpus::Choice Corpus::choose(Chance& chance) const {
  Choice choice;
  choice.parent = choose_by(
      entries_.size(), [&](std::size_t i) { return energy(entries_[i].tries, entries_[i].news); }, chance);
  choice.maker = every_maker[choose_by(
      makers_.size(), [&](std::size_t i) { return energy(makers_[i].tries, makers_[i].news); }, chance)];
  return choice;
}

void Corpus::credit(const Choice& choice, bool is_new) {
  if (choice.parent < entries_.size()) ++entries_[choice.parent].tries;
  auto& maker = makers_[static_cast<std::size_t>(choice.maker)];
  ++maker.tries;
  maker.news += is_new ? 1 : 0;
}

Stock Corpus::stock(std::size_t parent, std::size_t most_bytes) const {
  Stock stock{.parent = entries_[parent].bytes, .others = {}, .most_bytes = most_bytes};
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (i != parent) stock.others.push_back(entries_[i].bytes);
  return stock;
}

}  // namespace labctl::hunt
