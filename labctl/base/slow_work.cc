#include "labctl/base/slow_work.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "labctl/base/units.h"

namespace labctl {
namespace {

using namespace std::chrono_literals;

constexpr auto before_first = 3s, between = 10s;

std::mutex mutex;
std::function<void(const std::string&)> teller;

}  // namespace

SlowWork::SlowWork(std::string what, std::uint64_t all, Unit unit)
    : what_(std::move(what)), all_(all), unit_(unit), next_(began_ + before_first) {}

void SlowWork::done(std::uint64_t more) {
  done_ += more;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + between;
  const std::lock_guard lock(mutex);
  if (teller)
    teller(slow_work_in_words(what_, done_, all_, unit_, std::chrono::duration_cast<Millis>(now - began_)));
}

void tell_slow_work(std::function<void(const std::string&)> tell) {
  const std::lock_guard lock(mutex);
  teller = std::move(tell);
}

std::string slow_work_in_words(const std::string& what, std::uint64_t done, std::uint64_t all,
                               SlowWork::Unit unit, std::chrono::milliseconds since) {
  const auto amount = [&](std::uint64_t value) {
    return unit == SlowWork::Unit::bytes ? show_size(value) : std::to_string(value);
  };
  if (all == 0) return fmt::format("{}: {} so far, {}", what, amount(done), show_duration(since));
  if (unit == SlowWork::Unit::things)
    return fmt::format("{}: {} of {}, {}", what, amount(done), amount(all), show_duration(since));
  const double share = 100.0 * static_cast<double>(std::min(done, all)) / static_cast<double>(all);
  return fmt::format("{}: {:.0f} % of {}, {}", what, share, amount(all), show_duration(since));
}

}  // namespace labctl
