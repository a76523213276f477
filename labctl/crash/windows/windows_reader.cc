// From lines of Windows to findings.
//
// The emergency console tells a stop in XML, which may stand on one line or on many, be broken anywhere, and
// hold bells and terminal control. So it is read without its white space: from the "<" that may begin it, as
// far as it still can become a stop block, in a bounded buffer.
//
// Everything else is lines that begin with known words. The first that tells of a stop opens a screen, the
// others add to it: code, name, driver. A screen ends with the next boot, with another stop, or after a run
// of lines that have nothing to do with it.
#include <fmt/core.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <memory>
#include <stdexcept>

#include "labctl/crash/engine/message.h"
#include "labctl/crash/engine/pattern.h"
#include "labctl/crash/windows/stop_codes.h"
#include "labctl/crash/windows/windows.h"

namespace labctl::crash {
namespace {

constexpr std::size_t excerpt_limit = 8192;
constexpr std::size_t xml_limit = 4096;
constexpr unsigned xml_patience = 64;     // lines from the "<" to the code
constexpr unsigned screen_patience = 60;  // lines that do not belong to the screen
constexpr std::size_t longest_file = 64;

constexpr std::string_view blue_screen = "<INSTANCECLASSNAME=\"BLUESCREEN\"";

using re2::StringPiece;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Compiled {
  const Saying* saying;
  std::unique_ptr<RE2> pattern;
  int code = 0, name = 0, file = 0;

  explicit Compiled(const Saying& source)
      : saying(&source), pattern(std::make_unique<RE2>(source.pattern, latin1())) {
    if (!pattern->ok() || pattern->NumberOfCapturingGroups() > 3)
      throw std::logic_error(fmt::format("bad pattern: {}", source.pattern));
    for (const auto& [group, at] : pattern->NamedCapturingGroups())
      (group == "code" ? code : group == "name" ? name : file) = at;
  }
};

std::size_t pair_of(std::string_view text) {
  return static_cast<unsigned char>(text[0]) * 256U + static_cast<unsigned char>(text[1]);
}

// Sorted by the first byte of what they look for; a set of the first two says quickly that a line is none of
// them.
struct Sayings {
  std::array<std::vector<Compiled>, 256> by_byte;
  std::bitset<65536> pairs;
  Sayings() {
    for (const Saying& saying : windows_sayings()) {
      by_byte[static_cast<unsigned char>(saying.head.front())].emplace_back(saying);
      pairs.set(pair_of(saying.head));
    }
    for (const std::string_view prompt : {"SAC>", "!SAC>"}) pairs.set(pair_of(prompt));
  }
  static const Sayings& all() {
    static const Sayings sayings;
    return sayings;
  }
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<std::uint64_t> parse_code(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// "\SystemRoot\System32\drivers\Sensor.sys" -> "sensor.sys": Windows does not tell case apart, and its
// screens do not agree on one.
std::string plain_file(std::string_view path) {
  path = path.substr(path.find_last_of("\\:") + 1);
  std::string name(path.substr(0, longest_file));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  return name;
}

// Whether the text without its white space is, or may become, a stop block of the emergency console.
bool may_become_xml(std::string_view text) {
  for (const std::string_view head : {std::string_view("<?xml"), std::string_view("<BP>"), blue_screen}) {
    const std::size_t length = std::min(head.size(), text.size());
    if (head.substr(0, length) == text.substr(0, length)) return true;
  }
  return false;
}

// A line of a progress display: "42%", "42% complete".
bool is_progress(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && at < 3 && text[at] >= '0' && text[at] <= '9') ++at;
  return at > 0 && at < text.size() && text[at] == '%' && text.size() < 40;
}

bool is_driver(std::string_view text) {
  static const RE2 driver("[\\w$~-]{1,60}\\.(?i:sys)", latin1());
  return text.size() < 70 && RE2::FullMatch(StringPiece(text.data(), text.size()), driver);
}

// Where a terminal would put the next words on another line: a cursor position, a cleared screen.
std::size_t next_row(std::string_view raw, std::size_t from, std::size_t& length) {
  for (std::size_t at = raw.find("\x1b[", from); at != std::string_view::npos;
       at = raw.find("\x1b[", at + 1)) {
    std::size_t end = at + 2;
    while (end < raw.size() && (raw[end] < 0x40 || raw[end] > 0x7e)) ++end;
    if (end >= raw.size()) break;
    const char final = raw[end];
    if (final != 'H' && final != 'f' && final != 'J' && final != 'E') continue;
    length = end + 1 - at;
    return at;
  }
  return std::string_view::npos;
}

std::string without_space(std::string_view text) {
  std::string packed;
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed),
               [](char c) { return c != ' ' && c != '\t'; });
  return packed;
}

std::string hex(std::uint64_t code) {
  const std::string title = stop_title(code);
  const std::size_t at = title.rfind("0x");
  return title.substr(at, title.find(')', at) - at);
}

}  // namespace

bool WindowsReader::concerns(std::string_view raw, std::string_view cleaned) const {
  static const Sayings& sayings = Sayings::all();
  if (reading() || raw.data() != cleaned.data()) return true;
  std::size_t at = 0;
  while (at < cleaned.size() && (cleaned[at] == ' ' || cleaned[at] == '\t')) ++at;
  if (at + 1 < cleaned.size() && sayings.pairs.test(pair_of(cleaned.substr(at)))) return true;
  return cleaned.find('<', at) != std::string_view::npos;
}

bool WindowsReader::line(std::string_view raw, std::string_view cleaned, Line where,
                         std::vector<Finding>& out) {
  here_ = {where.offset, where.line, {}};
  const bool boots = cleaned.data() == raw.data() ? segment(raw) : rows(raw);
  for (Finding& each : ready_) {
    if (each.excerpt.empty()) each.excerpt = raw.substr(0, excerpt_limit);
    out.push_back(std::move(each));
  }
  ready_.clear();
  if (!reading()) return boots;
  std::string& excerpt = screen_ ? screen_->start.excerpt : xml_start_.excerpt;
  if (excerpt.size() < excerpt_limit)
    excerpt.append(raw.substr(0, excerpt_limit - excerpt.size())).push_back('\n');
  if (screen_ && screen_->silence > screen_patience) end(out);
  return boots;
}

// What a terminal would show on rows of their own.
bool WindowsReader::rows(std::string_view raw) {
  bool boots = false;
  std::string store;
  for (std::size_t at = 0;;) {
    std::size_t length = 0;
    const std::size_t row = next_row(raw, at, length);
    const std::string_view piece = raw.substr(at, row == std::string_view::npos ? row : row - at);
    if (!piece.empty()) boots = segment(without_controls(piece, store)) || boots;
    if (row == std::string_view::npos) return boots;
    at = row + length;
  }
}

bool WindowsReader::segment(std::string_view text) {
  xml(text);
  text = trimmed(text);
  // What is printed behind the prompt, since nobody ended its line.
  while (text.starts_with("SAC>") || text.starts_with("!SAC>")) {
    prompted_ = prompted_ || text.front() == '!';
    text = trimmed(text.substr(text.find('>') + 1));
  }
  if (text.empty()) return false;
  for (const Compiled& each : Sayings::all().by_byte[static_cast<unsigned char>(text.front())]) {
    if (!text.starts_with(each.saying->head)) continue;
    std::array<StringPiece, 4> groups;
    const int count = each.pattern->NumberOfCapturingGroups() + 1;
    if (!each.pattern->Match(StringPiece(text.data(), text.size()), 0, text.size(), RE2::ANCHOR_START,
                             groups.data(), count))
      continue;
    const auto group = [&](int at) {
      return at == 0 ? std::string_view() : view(groups[static_cast<std::size_t>(at)]);
    };
    return say(*each.saying, {group(each.code), group(each.name), group(each.file)});
  }
  if (screen_) loose(text);
  return false;
}

bool WindowsReader::say(const Saying& saying, const Words& words) {
  switch (saying.says) {
    case Says::stop:
      screen(false).heading = true;
      break;
    case Says::report:
      learn(false, words);
      screen_->whole = true;
      break;
    case Says::code:
      if (!words.code.empty() || !words.name.empty()) learn(false, words);
      break;
    case Says::detail:
      if (screen_ && !screen_->loader) learn(false, words);
      break;
    case Says::part:
      if (screen_) screen_->silence = 0;
      break;
    case Says::loader:
      screen(true).heading = true;
      break;
    case Says::status:
      if (screen_ && screen_->loader) learn(true, words);
      break;
    case Says::recovery:
      whole(saying);
      break;
    case Says::hint:
      if (windows_) whole(saying);
      break;
    case Says::boot:
      windows_ = true;
      prompted_ = false;
      xml_.clear();
      return true;
  }
  return false;
}

// A screen also names the stop and the driver on lines of their own.
void WindowsReader::loose(std::string_view text) {
  if (is_progress(text)) return;
  if (!screen_->loader && stop_code(text)) return learn(false, {{}, text, {}});
  if (!screen_->loader && is_driver(text)) return learn(false, {{}, {}, text});
  ++screen_->silence;
}

void WindowsReader::xml(std::string_view text) {
  if (xml_.empty()) {
    const std::size_t begin = text.find('<');
    if (begin == std::string_view::npos) return;
    xml_lines_ = 0;
    xml_start_ = here_;
    text.remove_prefix(begin);
  }
  static const RE2 code("NAME=\"STOPCODE\"[^>]*><VALUE>\"?0x([0-9A-Fa-f]+)[\"<]", latin1());
  xml_ += without_space(text);
  while (!xml_.empty()) {
    if (!may_become_xml(xml_)) {
      xml_.erase(0, xml_.find('<', 1));
      continue;
    }
    const std::size_t block = xml_.find(blue_screen);
    if (block == std::string::npos) break;
    if (!screen_ || screen_->loader) {
      screen(false).start = xml_start_;
      screen_->from_xml = true;
    }
    const StringPiece whole(xml_.data() + block, xml_.size() - block);
    std::array<StringPiece, 2> groups;
    if (!code.Match(whole, 0, whole.size(), RE2::UNANCHORED, groups.data(), 2)) break;
    const std::string digits(view(groups[1]));
    xml_.erase(0, static_cast<std::size_t>(groups[0].data() + groups[0].size() - xml_.data()));
    learn(false, {digits, {}, {}});
    screen_->from_xml = screen_->whole = true;
  }
  if (xml_.size() > xml_limit) xml_.erase(0, std::max(xml_.rfind('<'), xml_.size() - blue_screen.size()));
  if (++xml_lines_ > xml_patience) xml_.clear();
}

WindowsReader::Screen& WindowsReader::screen(bool loader) {
  if (screen_ && screen_->loader != loader) end(ready_);
  if (!screen_) {
    screen_ = Screen{};
    screen_->start = here_;
    screen_->loader = loader;
  }
  screen_->silence = 0;
  return *screen_;
}

void WindowsReader::learn(bool loader, const Words& words) {
  std::optional<std::uint64_t> value = parse_code(words.code);
  if (!value && !words.name.empty()) value = stop_code(words.name);
  // Another stop, and nobody has seen the boot in between.
  if (value && screen_ && screen_->code && plain_stop(*screen_->code) != plain_stop(*value)) end(ready_);
  Screen& open = screen(loader);
  if (value && !open.code) open.code = value;
  open.unreadable = open.unreadable || (!words.code.empty() && !value);
  if (open.name.empty()) open.name = words.name.substr(0, longest_file);
  if (open.file.empty() && !words.file.empty()) open.file = plain_file(words.file);
}

// A line that is a whole finding.
void WindowsReader::whole(const Saying& saying) {
  Finding found;
  found.title = saying.title;
  found.kind = Kind::boot_failure;
  found.offset = here_.offset;
  found.line = here_.line;
  found.confirmed = saying.says != Says::hint;
  ready_.push_back(std::move(found));
}

std::string WindowsReader::title() const {
  const Screen& open = *screen_;
  std::string text = "boot failure: Windows boot manager error";
  if (open.loader && open.code) text += " " + hex(*open.code);
  if (!open.loader)
    text = open.code ? stop_title(*open.code)
                     : fmt::format("stop code {}", open.name.empty() ? "unknown" : open.name);
  return open.file.empty() ? text : fmt::format("{} in {}", text, open.file);
}

bool WindowsReader::confirmed() const {
  const Screen& open = *screen_;
  const bool named = open.code || !open.name.empty();
  return open.loader || open.whole || open.from_xml || (named && (open.heading || prompted_));
}

Finding WindowsReader::finding() const {
  const Screen& open = *screen_;
  Finding found;
  found.title = title();
  found.kind = open.loader ? Kind::boot_failure : Kind::stop_code;
  found.module = open.file;
  found.offset = open.start.offset;
  found.line = open.start.line;
  found.excerpt = open.start.excerpt;
  found.confirmed = confirmed();
  if (open.unreadable && !open.code) {
    found.corrupted = "the stop code cannot be read";
  } else if (!open.loader && !open.code && open.name.empty()) {
    found.corrupted =
        open.from_xml ? "the stop block ends before its code" : "no stop code follows the heading";
  }
  return found;
}

void WindowsReader::tell(std::vector<Finding>& out) {
  if (pending()) out.push_back(finding());
  screen_->told = key();
}

void WindowsReader::end(std::vector<Finding>& out) {
  if (screen_) tell(out);
  screen_.reset();
}

std::vector<Finding> WindowsReader::close() {
  std::vector<Finding> told;
  end(told);
  return told;
}

std::vector<Finding> WindowsReader::flush() {
  std::vector<Finding> told;
  if (screen_) tell(told);
  return told;
}

}  // namespace labctl::crash
