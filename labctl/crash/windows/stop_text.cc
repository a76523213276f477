#include "labctl/crash/windows/stop_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "labctl/crash/windows/event_log.h"
#include "labctl/crash/windows/stop_codes.h"

namespace labctl::crash {
namespace {

constexpr std::uint64_t record_lines = 120;  // a debugger's analysis has registers and a stack in the middle
constexpr std::uint64_t near_lines = 12;     // between the parts of an event
constexpr std::size_t longest_excerpt = 600;
constexpr std::size_t most_ranges = 1024;  // a Windows has some two hundred drivers

bool near(std::uint64_t line, Origin origin) { return line != 0 && origin.line <= line + near_lines; }

void append(std::string& excerpt, std::string_view text) {
  if (excerpt.size() + 1 + text.size() <= longest_excerpt) excerpt.append("\n").append(text);
}

}  // namespace

void StopText::line(std::string_view text, Origin origin, const Tell& tell) {
  if (stop_ && origin.line > stop_->last + record_lines) tell_stop(tell);
  if (unclean_ && origin.line > unclean_->last + near_lines) tell_unclean(tell);
  const auto words = read_stop_words(text);
  if (!words) return;
  if (words->blue_screen) blue_line_ = origin.line;
  if (words->range) range(*words->range, origin);
  if (words->code && !words->code_before) code(*words, text, origin, tell);
  event(*words, text, origin);
  const bool explained = near(blue_line_, origin) || (near(power_line_, origin) && near(id_line_, origin));
  if (words->code_before && explained) code(*words, text, origin, tell);
  if (words->named != Named::nowhere) driver(*words, text, origin, tell);
  if (words->parameter()) parameters(*words, text, origin);
}

void StopText::code(const StopWords& words, std::string_view text, Origin origin, const Tell& tell) {
  const std::uint64_t value = *words.code;
  if (value == 0) return;  // event 41 without a stop
  power_line_ = blue_line_ = 0;
  unclean_.reset();
  if (stop_ && stop_->code == value) {
    stop_->doubtful = stop_->doubtful && words.name_alone;
    stop_->last = origin.line;
    if (stop_->named == Named::as_file) stop_->again = origin;
    return;
  }
  tell_stop(tell);
  stop_ = Stop{.code = value,
               .doubtful = words.name_alone,
               .excerpt = std::string(text.substr(0, longest_excerpt)),
               .origin = origin,
               .last = origin.line};
  if (near(early_line_, origin)) {
    stop_->driver = std::exchange(early_driver_, {});
    stop_->named = std::exchange(early_named_, Named::nowhere);
  }
}

void StopText::driver(const StopWords& words, std::string_view text, Origin origin, const Tell& tell) {
  if (!stop_) {
    early_driver_ = words.driver;
    early_named_ = words.named;
    early_line_ = origin.line;
    return;
  }
  // A list of dumps that tells of the same stop in another driver.
  if (stop_->again && words.named == Named::as_file && words.driver != stop_->driver) {
    const Stop other{.code = stop_->code, .excerpt = {}, .origin = *stop_->again, .last = origin.line};
    tell_stop(tell);
    stop_ = other;
  }
  stop_->last = origin.line;
  stop_->doubtful = false;
  if (words.named <= stop_->named) return;
  stop_->driver = words.driver;
  stop_->named = words.named;
  if (origin.line != stop_->origin.line) append(stop_->excerpt, text);
}

void StopText::parameters(const StopWords& words, std::string_view text, Origin origin) {
  if (!stop_ || stop_->again) return;
  bool news = false;
  for (std::size_t i = 0; i < stop_->parameters.size(); ++i) {
    if (!words.parameters[i] || stop_->parameters[i] != 0) continue;
    stop_->parameters[i] = *words.parameters[i];
    news = true;
  }
  stop_->doubtful = false;
  if (!news) return;
  stop_->last = origin.line;
  if (origin.line != stop_->origin.line) append(stop_->excerpt, text);
}

void StopText::range(const StopWords::Range& range, Origin origin) {
  if (origin.line > range_line_ + record_lines) ranges_.clear();
  range_line_ = origin.line;
  if (ranges_.size() < most_ranges) ranges_.push_back(range);
  if (stop_) stop_->last = origin.line;
}

// Event 41 of Kernel-Power and 6008 of EventLog: the number stands beside its source, on a line of its own,
// or in a table below its source.
void StopText::event(const StopWords& words, std::string_view text, Origin origin) {
  if (words.source) {
    power_source_ = words.power;
    log_source_ = words.event_log;
  }
  if (words.event_log) log_line_ = origin.line;
  if (words.power) power_line_ = near(id_line_, origin) ? id_line_ : origin.line;
  if (words.id41 || words.number41) id_line_ = origin.line;
  const bool by_table = words.number41 && power_source_;
  const bool power = (near(power_line_, origin) || by_table) && near(id_line_, origin) &&
                     !(stop_ && near(stop_->last, origin));
  const bool log = words.id6008 || (words.number6008 && (near(log_line_, origin) || log_source_));
  if (!unclean_ && (power || log))
    unclean_ =
        Stop{.excerpt = std::string(text.substr(0, longest_excerpt)), .origin = origin, .last = origin.line};
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
  if (stop.doubtful && stop.named == Named::nowhere) return;
  // No driver is named, but where it lies is given, and what the parameters say of the place.
  const std::uint64_t address = culprit_address(stop.code, stop.parameters);
  const auto holds = [&](const auto& range) { return address >= range.from && address < range.to; };
  const auto range = std::find_if(ranges_.begin(), ranges_.end(), holds);
  if (stop.driver.empty() && address != 0 && range != ranges_.end()) stop.driver = range->file;
  Finding found;
  found.title = stop_title(stop.code) + (stop.driver.empty() ? "" : fmt::format(" in {}", stop.driver));
  found.kind = Kind::stop_code;
  found.module = stop.driver;
  found.offset = stop.origin.offset;
  found.line = stop.origin.line;
  found.excerpt = std::move(stop.excerpt);
  if (is_live_dump(stop.code)) found.suppressed = live_dump;
  tell(std::move(found), stop.last);
}

void StopText::finish(const Tell& tell) {
  tell_stop(tell);
  tell_unclean(tell);
}

}  // namespace labctl::crash
