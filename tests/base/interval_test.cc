// How much few attempts can say.

#include "labctl/base/interval.h"

#include "tests/catch.h"

using namespace labctl;

TEST_CASE("the interval is Wilson's, and few attempts are sure of little") {
  struct {
    int hits, times;
    double low, high;
  } cases[] = {
      {7, 20, 0.1812, 0.5671}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {1, 1, 0.2065, 1}, {0, 0, 0, 1}};
  const auto near = [](double a, double b) { return a > b - 0.0005 && a < b + 0.0005; };
  for (const auto& c : cases) {
    const auto interval = wilson(c.hits, c.times, in_95_of_100);
    INFO(c.hits << " of " << c.times << ": " << interval.low << " to " << interval.high);
    CHECK(near(interval.low, c.low));
    CHECK(near(interval.high, c.high));
  }
}
