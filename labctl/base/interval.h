// Wilson's score interval: where the true share of something lies that was seen so many times of so many.
// Honest for few attempts, and for none and all of them.
#pragma once

namespace labctl {

struct Interval {
  double low = 0, high = 1;
};

// Of the normal distribution: how far out a bound lies so that the share is between the two of them in 95 of
// 100 cases, or on the right side of one in 90.
inline constexpr double in_95_of_100 = 1.959964;
inline constexpr double beyond_in_90_of_100 = 1.281552;

Interval wilson(int hits, int times, double z);

}  // namespace labctl
