// Durations, sizes and days as people write them: never a bare number.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "labctl/base/result.h"

namespace labctl {

using Millis = std::chrono::milliseconds;
using Date = std::chrono::year_month_day;  // of UTC; a value like any other, no clock

// "500ms" "20s" "3m" "1h" "7d" "1.5s"; never negative. An upper bound is the caller's.
Result<Millis> parse_duration(std::string_view text);

// "512MiB" "1GiB" "64KiB": binary units only, because "GB" means two things. In bytes.
Result<std::uint64_t> parse_size(std::string_view text);

// "2026-12-31", exactly so, and a day that there is.
Result<Date> parse_date(std::string_view text);

std::string show_date(Date date);            // "2026-12-31"
std::string show_duration(Millis duration);  // "0.8s" "42s" "3m07s" "1h02m"
std::string show_size(std::uint64_t bytes);  // "712 B" "150 MiB" "1.5 GiB"

// Moments, in seconds since 1970, as "2026-11-22T02:35:09Z": in UTC and to the second, no other spelling.
Result<std::int64_t> parse_moment(std::string_view text);
std::string show_moment(std::int64_t seconds);

}  // namespace labctl
