#include "labctl/crash/engine/message.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace labctl::crash {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// Eight bytes at a time, since nearly every line has no control byte. A tab may be taken for one.
bool may_hold_control(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high = ones * 0x80;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t rubout = word ^ (ones * 0x7f);
    if ((((word - ones * 0x20) & ~word) | ((rubout - ones) & ~rubout)) & high) return true;
  }
  return std::any_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), control);
}

// Length of the escape sequence at the front of `text`, which begins with ESC.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return text.size();
  std::size_t at = 2;
  if (text[1] == '[') {
    while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7e)) ++at;
    return std::min(at + 1, text.size());
  }
  if (text[1] == ']') {
    while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
    return std::min(at + 1, text.size());
  }
  if (text[1] == '(' || text[1] == ')' || text[1] == '#') return std::min<std::size_t>(3, text.size());
  return 2;
}

// "<4>" or "<14>" in front of a message.
std::size_t level_length(std::string_view text) {
  if (text.size() < 3 || text[0] != '<' || !digit(text[1])) return 0;
  std::size_t at = 2;
  while (at < text.size() && at < 4 && digit(text[at])) ++at;
  return at < text.size() && text[at] == '>' ? at + 1 : 0;
}

// "[Mon Jan  2 03:04:05 2006]", as `dmesg -T` prints it.
std::size_t calendar_length(std::string_view text) {
  constexpr std::size_t length = 26;
  if (text.size() < length || text[0] != '[' || text[length - 1] != ']') return 0;
  return text[4] == ' ' && text[8] == ' ' && text[14] == ':' && text[17] == ':' ? length : 0;
}

// "[ T123]" or "[   C0]" as the kernel prints it; dmesg puts a blank in front.
std::size_t caller_length(std::string_view text, std::string_view& caller) {
  const std::size_t blank = text.starts_with(" [") ? 1 : 0;
  if (text.size() < blank + 1 || text[blank] != '[') return 0;
  std::size_t at = blank + 1;
  while (at < text.size() && at < blank + 10 && text[at] == ' ') ++at;
  const std::size_t begin = at;
  if (at + 1 >= text.size() || (text[at] != 'T' && text[at] != 'C') || !digit(text[at + 1])) return 0;
  ++at;
  while (at < text.size() && digit(text[at])) ++at;
  if (at >= text.size() || text[at] != ']') return 0;
  caller = text.substr(begin, at - begin);
  return at + 1;
}

// A log daemon's prefix: "Jan  2 03:04:05 host kernel: " or "2006-01-02T03:04:05+00:00 host kernel: ".
// Nothing that another program logged has "kernel" as its name.
std::size_t journal_length(std::string_view text) {
  if (text.size() < 8 || text[0] == '[') return 0;
  if (text.starts_with("kernel: ")) return 8;
  const bool date = digit(text[0]) || (text[0] >= 'A' && text[0] <= 'Z' && text[3] == ' ');
  if (!date) return 0;
  const std::size_t at = text.substr(0, 120).find(" kernel: ");
  if (at == std::string_view::npos) return 0;
  const std::string_view before = text.substr(0, at);
  if (before.ends_with(':')) return 0;  // "host root[55]: kernel: ...": another program's words
  const auto colons = std::count(before.begin(), before.end(), ':');
  const auto spaces = std::count(before.begin(), before.end(), ' ');
  return colons >= 2 && colons <= 3 && spaces >= 1 && spaces <= 5 ? at + 9 : 0;
}

// A prompt without the newline that never came: "host login: ", "[root@host ~]# ", "root@host:/# ", "~ # ".
std::size_t prompt_length(std::string_view text) {
  const std::size_t login = text.substr(0, 80).find(" login: ");
  if (login != std::string_view::npos && login != 0 && text.find(' ') == login) return login + 8;
  const std::size_t shell = std::min(text.substr(0, 80).find("# "), text.substr(0, 80).find("$ "));
  if (shell == std::string_view::npos || shell == 0) return 0;
  const std::string_view before = text.substr(0, shell);
  const auto blanks = std::count(before.begin(), before.end(), ' ');
  const bool bracketed =
      before.starts_with('[') && before.ends_with(']') && before.find('@') < before.find(' ');
  const bool path = blanks == 1 && (before == "~ " || (before.starts_with('/') && before.ends_with(' ')));
  return blanks == 0 || (bracketed && blanks == 1) || path ? shell + 2 : 0;
}

void drop(std::string_view& text, std::size_t length) { text.remove_prefix(length); }

void strip_time(Message& message, std::size_t length) {
  message.stamp = message.text.substr(0, length);
  message.kernel = true;
  message.time_zero = message.stamp.find_first_of("123456789") == std::string_view::npos;
  drop(message.text, length);
  drop(message.text, caller_length(message.text, message.caller));
  if (message.text.starts_with(' ')) drop(message.text, 1);
}

// An editor's mark of the encoding; UTF-16 itself needs no care, its zeros are control bytes.
std::size_t byte_order_mark_length(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) return 3;
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ? 2 : 0;
}

bool names_level(std::string_view word) {
  for (const std::string_view level : {"DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL"})
    if (word == level) return true;
  return false;
}

// "program[55]: " or "program: " at the end of `front`: how many bytes it has; 0 when it is the kernel or
// none.
std::size_t program_length(std::string_view front) {
  if (!front.ends_with(": ")) return 0;
  std::size_t at = front.size() - 2;
  if (front[at - 1] == ']') {
    std::size_t digits = at - 1;
    while (digits > 0 && digit(front[digits - 1])) --digits;
    if (digits == at - 1 || digits == 0 || front[digits - 1] != '[') return 0;
    at = digits - 1;
  }
  const std::size_t blank = front.substr(0, at).rfind(' ');
  const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
  const std::string_view name = front.substr(begin, at - begin);
  return name.empty() || name == "kernel" || names_level(name) ? 0 : front.size() - begin;
}

// A whole record in JSON, {"MESSAGE":"[   12.345678] ...","SYSLOG_IDENTIFIER":"program"}: its form knows who
// speaks.
bool quotes_record(std::string_view line, std::string_view front) {
  return line.front() == '{' && line.back() == '}' && front.ends_with('"') &&
         front.find("\"MESSAGE\"") != std::string_view::npos &&
         line.find("\"_TRANSPORT\"") != std::string_view::npos;
}

// A string in a program's source: \t"[   12.345678] ...\n", or an argument of a call.
bool quotes_source(std::string_view front) {
  if (!front.ends_with('"')) return false;
  front.remove_suffix(1);
  return front.ends_with('(') || front.find_first_not_of(" \t+-") == std::string_view::npos;
}

void strip_front(Message& message) {
  drop(message.text, byte_order_mark_length(message.text));
  const bool bracket = message.text.starts_with('[');
  const char second = message.text.size() > 1 ? message.text[1] : ' ';
  if (!bracket || (second != ' ' && !digit(second))) drop(message.text, prompt_length(message.text));
  if (!message.text.starts_with('[')) drop(message.text, level_length(message.text));
  if (const std::size_t length = journal_length(message.text)) {
    message.kernel = message.journal = true;
    drop(message.text, length);
  }
  if (const std::size_t length = timestamp_length(message.text)) {
    strip_time(message, length);
  } else if (const std::size_t calendar = calendar_length(message.text)) {
    message.kernel = message.journal = true;
    drop(message.text, calendar);
    if (message.text.starts_with(' ')) drop(message.text, 1);
  }
}

}  // namespace

bool names_program(std::string_view front) {
  if (front.ends_with("MESSAGE=")) return true;
  const std::size_t level = level_length(front);
  if (level != 0 && front.substr(level).starts_with("1 "))
    return (front.ends_with(" - ") || front.ends_with("] ")) &&
           front.find(" kernel ") == std::string_view::npos;
  const std::size_t program = program_length(front);
  if (program == 0) return false;
  std::string_view before = front.substr(0, front.size() - program);
  const bool pid = front.ends_with("]: ");
  while (before.starts_with(' ')) before.remove_prefix(1);
  const std::size_t words = std::count(before.begin(), before.end(), ' ');
  if (pid && words <= 1 && before.find(':') == std::string_view::npos) return true;
  // Behind a date stands the host; where a level does, a test's log hands on what a console says.
  if (before.empty() || std::count(before.begin(), before.end(), ':') < 2 || words > 6) return false;
  before.remove_suffix(1);
  const std::string_view host = before.substr(before.rfind(' ') + 1);
  const bool date = digit(before[0]) || (before[0] >= 'A' && before[0] <= 'Z');
  return date && !names_level(host) && host.find(':') == std::string_view::npos &&
         host.find(',') == std::string_view::npos;
}

std::size_t timestamp_length(std::string_view text) {
  if (text.size() < 5 || text[0] != '[') return 0;
  std::size_t at = 1;
  while (at < text.size() && at < 12 && text[at] == ' ') ++at;
  const std::size_t seconds = at;
  while (at < text.size() && digit(text[at])) ++at;
  if (at == seconds || at - seconds > 12 || at >= text.size() || text[at] != '.') return 0;
  const std::size_t fraction = ++at;
  while (at < text.size() && digit(text[at])) ++at;
  if (at - fraction != 6 || at >= text.size() || text[at] != ']') return 0;
  return at + 1;
}

double stamp_seconds(std::string_view stamp) {
  double value = 0;
  const std::size_t begin = stamp.find_first_of("0123456789");
  if (begin != std::string_view::npos)
    std::from_chars(stamp.data() + begin, stamp.data() + stamp.size(), value);
  return value;
}

bool says_lost(std::string_view text) {
  return text.starts_with("** ") && text.find("printk messages dropped") != std::string_view::npos;
}

std::string_view without_controls(std::string_view raw, std::string& store) {
  if (!may_hold_control(raw)) return raw;
  const auto first = std::find_if(raw.begin(), raw.end(), control);
  if (first == raw.end()) return raw;
  store.assign(raw.begin(), first);
  for (std::size_t at = static_cast<std::size_t>(first - raw.begin()); at < raw.size();) {
    if (raw[at] == '\x1b') {
      at += escape_length(raw.substr(at));
    } else {
      if (!control(raw[at])) store.push_back(raw[at]);
      ++at;
    }
  }
  return store;
}

void split_messages(std::string_view line, bool mid_line, std::vector<Message>& out) {
  out.clear();
  Message message;
  message.text = line;
  message.anchored = !mid_line || timestamp_length(line) != 0;
  if (message.anchored) strip_front(message);
  // A journal's line says "kernel: " once; the messages behind it come from the same source.
  const char* search = message.text.data();
  const char* const end = line.data() + line.size();
  while (search != end) {
    search = std::find(search, end, '[');
    if (search == end) break;
    const std::string_view rest(search, static_cast<std::size_t>(end - search));
    if (rest.size() > 2 && rest[1] == '#' && digit(rest[2])) message.die_mark = true;
    const char* const begin = message.kernel ? message.text.data() : line.data();
    const std::string_view front(begin, static_cast<std::size_t>(search - begin));
    const std::size_t length = timestamp_length(rest);
    const bool quoted =
        length != 0 &&
        (names_program(front) || (!message.kernel && (quotes_source(front) || quotes_record(line, front))));
    if (length != 0 && !quoted) {
      message.text =
          std::string_view(message.text.data(), static_cast<std::size_t>(search - message.text.data()));
      if (!message.text.empty()) out.push_back(message);
      Message next;
      next.journal = message.journal;
      next.text = rest;
      strip_time(next, length);
      message = next;
      search = message.text.data();
    } else {
      ++search;
    }
  }
  if (!message.text.empty()) out.push_back(message);
}

}  // namespace labctl::crash
