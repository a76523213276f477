#include "labctl/base/units.h"

#include <fmt/core.h>

#include <ctime>

#include <charconv>
#include <cmath>
#include <cstdio>

#include "labctl/base/text.h"

namespace labctl {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// The number before the unit; nothing else than digits and one point.
Result<std::pair<double, std::string_view>> number_and_unit(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  auto [rest, problem] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (problem != std::errc() || rest == text.data() || !std::isfinite(number) || number < 0)
    return input_error(fmt::format("not a number with a unit: '{}'", text));
  return std::pair{number, std::string_view(rest, static_cast<std::size_t>(end - rest))};
}

template <std::size_t n>
Result<double> in_units(std::string_view text, const Unit (&units)[n], const char* what,
                        const char* examples) {
  auto parsed = number_and_unit(text);
  if (!parsed)
    return input_error(fmt::format("'{}' is not a {}", text, what), {}, fmt::format("write {}", examples));
  for (const Unit& unit : units)
    if (unit.name == parsed->second) return parsed->first * unit.factor;
  std::string wrong =
      parsed->second.empty() ? "has no unit" : fmt::format("has the unknown unit '{}'", parsed->second);
  return input_error(fmt::format("the {} '{}' {}", what, text, wrong), {}, fmt::format("write {}", examples));
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  static constexpr Unit units[] = {{"ms", 1},       {"s", 1000},      {"m", 60'000},
                                   {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  auto value = in_units(text, units, "duration", "500ms, 20s, 3m, 1h or 7d");
  if (!value) return fail(value.error());
  if (*value > 1e15) return input_error(fmt::format("the duration '{}' is out of range", text));
  return Millis(std::llround(*value));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  static constexpr Unit units[] = {
      {"KiB", 1024.0}, {"MiB", 1048576.0}, {"GiB", 1073741824.0}, {"TiB", 1099511627776.0}};
  auto value = in_units(text, units, "size", "512MiB or 1GiB");
  if (!value) return fail(value.error());
  if (*value > 1e15) return input_error(fmt::format("the size '{}' is out of range", text));
  return static_cast<std::uint64_t>(std::llround(*value));
}

Result<Date> parse_date(std::string_view text) {
  constexpr std::size_t length = std::string_view("2026-12-31").size();
  const auto midnight = parse_moment(std::string(text.substr(0, length)) + "T00:00:00Z");
  if (text.size() == length && midnight)
    return Date(std::chrono::sys_days(std::chrono::days(*midnight / 86400)));
  return input_error(fmt::format("'{}' is not a day such as 2026-12-31", printable(text, 40)));
}

std::string show_date(Date date) {
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

std::string show_duration(Millis duration) {
  char text[48];
  auto ms = duration.count();
  if (ms < 10'000)
    std::snprintf(text, sizeof text, "%.1fs", static_cast<double>(ms) / 1000);
  else if (ms < 60'000)
    std::snprintf(text, sizeof text, "%llds", static_cast<long long>(ms / 1000));
  else if (ms < 3'600'000)
    std::snprintf(text, sizeof text, "%lldm%02llds", static_cast<long long>(ms / 60'000),
                  static_cast<long long>(ms / 1000 % 60));
  else
    std::snprintf(text, sizeof text, "%lldh%02lldm", static_cast<long long>(ms / 3'600'000),
                  static_cast<long long>(ms / 60'000 % 60));
  return text;
}

std::string show_size(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, value < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

Result<std::int64_t> parse_moment(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:ddZ";
  bool fits = text.size() == shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i)
    fits = shape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + digits, value);
    return value;
  };
  if (fits) {
    using namespace std::chrono;
    const year_month_day day{year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                             std::chrono::day(static_cast<unsigned>(number(8, 2)))};
    const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
    if (day.ok() && hour < 24 && minute < 60 && second < 60)
      return sys_days(day).time_since_epoch().count() * 86400ll + hour * 3600 + minute * 60 + second;
  }
  return input_error(fmt::format("not a time as '2026-11-22T02:35:09Z': '{}'", text.substr(0, 40)));
}

std::string show_moment(std::int64_t seconds) {
  using namespace std::chrono;
  const auto days = static_cast<int>(seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400));
  const year_month_day day{sys_days(std::chrono::days(days))};
  const auto rest = static_cast<int>(seconds - days * 86400ll);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()), rest / 3600,
                rest / 60 % 60, rest % 60);
  return text;
}

}  // namespace labctl
