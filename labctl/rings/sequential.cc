#include "labctl/rings/sequential.h"

#include <fmt/core.h>

#include <cmath>

#include "labctl/base/text.h"

namespace labctl::rings {

// Crashes come as a Poisson process: k of them in T machine-days speak for the bad rate against the fine one
// with k ln(bad / fine) - T (bad - fine). The bounds are ln(0.05) and ln(20) for a confidence of 95 %; Wald's
// sharper ones, ln(0.05 / 0.95) and its inverse, would keep the errors together below 10 of 100 but not each.
// They are taken with the four decimals that the documents give them, 2.9957: it changes nothing else.
SequentialTest::SequentialTest(const CrashRate& rate)
    : for_one_crash_(std::log(rate.bad / rate.fine)),
      for_one_day_(rate.bad - rate.fine),
      bound_(std::floor(-std::log(1 - rate.sure) * 1e4) / 1e4) {}

SequentialTest::Answer SequentialTest::answer(double crashes, double machine_days) const {
  const double evidence = crashes * for_one_crash_ - machine_days * for_one_day_;
  if (evidence >= bound_) return Answer::bad;
  return evidence <= -bound_ ? Answer::fine : Answer::undecided;
}

double SequentialTest::fine_from(double crashes) const {
  return (bound_ + crashes * for_one_crash_) / for_one_day_;
}

double SequentialTest::bad_until(double crashes) const {
  return (crashes * for_one_crash_ - bound_) / for_one_day_;
}

// The mean of a Poisson distribution at which so few crashes are seen in 5 of 100 cases, by halving.
double not_excluded(int crashes, double machine_days) {
  const auto seldom = [&](double mean) {
    double term = std::exp(-mean), sum = term;
    for (int k = 1; k <= crashes; ++k) sum += term *= mean / k;
    return sum < 0.05;
  };
  if (machine_days <= 0 || crashes > 500) return INFINITY;
  double low = 0, high = 3 + 2.0 * crashes + 10;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (seldom(middle) ? high : low) = middle;
  }
  return high / machine_days;
}

std::string grouped(double whole) {
  std::string digits = std::to_string(static_cast<long long>(whole));
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string days_in_words(double days) {
  const auto tenths = static_cast<long long>(days * 10);
  return days >= 10 || tenths % 10 == 0 ? grouped(days)
                                        : std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string counted(double whole, const std::string& singular, const std::string& plural) {
  return grouped(whole) + " " + (whole == 1 ? singular : plural);
}

std::string rate_in_words(double rate) {
  if (rate >= 1) return "one a day";
  if (rate >= 0.01) return std::to_string(static_cast<int>(std::lround(rate * 100))) + " %";
  return fmt::format("1 in {}", grouped(std::floor(1 / rate)));
}

}  // namespace labctl::rings
