#include "labctl/crash/windows/stop_text.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "labctl/crash/windows/event_log.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::uint64_t record_lines = 120;  // a debugger's analysis has registers and a stack in the middle
constexpr std::uint64_t near_lines = 12;     // between the parts of an event
constexpr std::size_t longest_excerpt = 600;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const re2::StringPiece& text) { return {text.data(), text.size()}; }

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (problem != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

struct Field {
  const char* pattern;  // RE2, anywhere in the line, one group
  int base;             // of the code; 0: the group is the driver's file
};

#define FILE_GROUP "([\\w.$~-]{1,60}\\.(?i:sys|exe|dll))"
#define SEPARATOR "\"?\\s*[:=,]\\s*\"?"

constexpr std::array fields{
    // A stop with its four parameters, as event 1001 prints it in every language.
    Field{"\\b(0x[0-9a-fA-F]{8,16}) ?\\(0x[0-9a-fA-F]{8,16}, ?0x[0-9a-fA-F]{8,16}, ?0x[0-9a-fA-F]{8,16}, "
          "?0x[0-9a-fA-F]{8,16}\\)",
          16},
    // Event 41.
    Field{"BugcheckCode(?:\"?\\s*[:=,]\\s*\"?|['\"]>|\\s+)(0x[0-9a-fA-F]{1,8}|\\d{1,10})\\b", 10},
    // The kernel's debugger.
    Field{"^\\*\\*\\* Fatal System Error: (0x[0-9a-fA-F]{8,16})", 16},
    Field{"^[A-Z][A-Z0-9_]{3,60} \\(([0-9a-f]{1,8})\\)\\s*$", 16},
    Field{"^BUGCHECK_CODE:\\s+(?:0x)?([0-9a-f]{1,8})\\b", 16}, Field{"^BugCheck ([0-9A-F]{1,8}), \\{", 16},
    Field{"^\\s*Bugcheck code ([0-9A-Fa-f]{8})\\s*$", 16}, Field{"^IMAGE_NAME:\\s+" FILE_GROUP, 0},
    Field{"^Probably caused by ?: ?" FILE_GROUP, 0}, Field{"^\\*\\*\\*\\s+" FILE_GROUP " - Address ", 0},
    // BlueScreenView, WhoCrashed.
    Field{"Bug Check Code" SEPARATOR "(0x[0-9a-fA-F]{1,16})", 16},
    Field{"(?i:bugcheck code)" SEPARATOR "(0x[0-9a-fA-F]{1,16})", 16},
    Field{"Caused By Driver" SEPARATOR FILE_GROUP, 0},
    Field{"caused by the following module: " FILE_GROUP, 0}};

struct Compiled {
  RE2 pattern;
  int base;
  Compiled(const Field& field) : pattern(field.pattern, RE2::Latin1), base(field.base) {}
};

// Most lines hold none of these.
bool may_speak(std::string_view text) {
  static const RE2 any(
      "(?i:bug ?check)|0x[0-9a-fA-F]{8,16} ?\\(0x|^\\*\\*\\* |^IMAGE_NAME|^Probably caused|Caused By Driver|"
      "caused by the following module|^[A-Z][A-Z0-9_]{3,60} "
      "\\([0-9a-f]{1,8}\\)|Kernel-Power|6008\\b|\\b41\\b",
      RE2::Latin1);
  return text.size() > 3 && RE2::PartialMatch(piece(text), any);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

void StopText::line(std::string_view text, Origin origin, const Tell& tell) {
  if (stop_ && origin.line > stop_->last + record_lines) tell_stop(tell);
  if (unclean_ && origin.line > unclean_->last + near_lines) tell_unclean(tell);
  if (text.size() > 8192 || !may_speak(text)) return;
  static const std::array<Compiled, fields.size()> all = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Compiled, fields.size()>{Compiled(fields[i])...};
  }
  (std::make_index_sequence<fields.size()>());
  for (const Compiled& field : all) {
    re2::StringPiece found;
    if (!RE2::PartialMatch(piece(text), field.pattern, &found)) continue;
    if (field.base == 0)
      driver(view(found), origin.line);
    else if (const auto value = number_of(view(found), field.base))
      code(*value, text, origin, tell);
  }
  event(text, origin);
}

void StopText::code(std::uint64_t value, std::string_view text, Origin origin, const Tell& tell) {
  if (value == 0) return;  // event 41 without a stop
  // A word and a number in brackets may be anything.
  const bool numbered = text.find("0x") != std::string_view::npos ||
                        text.find("ug") != std::string_view::npos || text.starts_with("BUGCHECK_CODE:");
  if (!numbered && (stop_name(value).empty() || !text.starts_with(stop_name(value)))) return;
  power_line_ = 0;
  unclean_.reset();
  if (stop_ && stop_->code == value) {
    stop_->last = origin.line;
    return;
  }
  tell_stop(tell);
  stop_ = Stop{value, {}, std::string(text.substr(0, longest_excerpt)), origin, origin.line};
  if (origin.line <= early_line_ + near_lines) stop_->driver = std::exchange(early_driver_, {});
}

void StopText::driver(std::string_view file, std::uint64_t line) {
  if (!stop_) {
    early_driver_ = lower(file);
    early_line_ = line;
  } else if (stop_->driver.empty()) {
    stop_->driver = lower(file);
    stop_->last = line;
  }
}

#define EVENT_NUMBER \
  "(?i:(?:Event|Ereignis)?[ _-]?(?:ID|Code|identifier)\"?[\\s>:=,\"']{1,24}(?:0x[0-9a-f]{8} \\()?"

// Event 41 of Kernel-Power and 6008 of EventLog: the number stands beside its source, or on a line of its
// own.
void StopText::event(std::string_view text, Origin origin) {
  static const RE2 id41(EVENT_NUMBER "41\\b)|Kernel-Power\"?[,;\\t]\"?41\\b|<EventID[^>]*>41<", RE2::Latin1);
  static const RE2 id6008(EVENT_NUMBER "6008\\b)|EventLog\"?[,;\\t]\"?6008\\b|<EventID[^>]*>6008<",
                          RE2::Latin1);
  const auto near = [&](std::uint64_t line) { return line != 0 && origin.line <= line + near_lines; };
  if (text.find("Kernel-Power") != std::string_view::npos) {
    power_line_ = origin.line;
    if (near(id_line_)) power_line_ = id_line_;
  }
  if (RE2::PartialMatch(piece(text), id41)) id_line_ = origin.line;
  const bool power = near(power_line_) && near(id_line_) && !(stop_ && near(stop_->last));
  if (!unclean_ && (power || RE2::PartialMatch(piece(text), id6008)))
    unclean_ = Stop{0, {}, std::string(text.substr(0, longest_excerpt)), origin, origin.line};
}

void StopText::tell_unclean(const Tell& tell) {
  if (!unclean_) return;
  Stop event = std::move(*unclean_);
  unclean_.reset();
  power_line_ = id_line_ = 0;
  Finding found;
  found.title = unclean_shutdown;
  found.kind = Kind::reset;
  found.offset = event.origin.offset;
  found.line = event.origin.line;
  found.excerpt = std::move(event.excerpt);
  tell(std::move(found), event.last);
}

void StopText::tell_stop(const Tell& tell) {
  if (!stop_) return;
  Stop stop = std::move(*stop_);
  stop_.reset();
  Finding found;
  found.title = stop_title(stop.code) + (stop.driver.empty() ? "" : " in " + stop.driver);
  found.kind = Kind::stop_code;
  found.module = stop.driver;
  found.offset = stop.origin.offset;
  found.line = stop.origin.line;
  found.excerpt = std::move(stop.excerpt);
  tell(std::move(found), stop.last);
}

void StopText::finish(const Tell& tell) {
  tell_stop(tell);
  tell_unclean(tell);
}

}  // namespace labctl::crash
