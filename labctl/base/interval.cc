#include "labctl/base/interval.h"

#include <algorithm>
#include <cmath>

namespace labctl {

Interval wilson(int hits, int times, double z) {
  if (times <= 0) return {};
  const double n = times, p = hits / n, z2 = z * z;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace labctl
