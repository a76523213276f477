// The sequential test: the figures that a court would be shown, and how often it is wrong.

#include <cmath>
#include <random>

#include "labctl/rings/sequential.h"
#include "tests/catch.h"

using namespace labctl::rings;
using Answer = SequentialTest::Answer;

namespace {

const CrashRate rate{1.0 / 10'000, 1.0 / 1'000, 0.95};

// One rollout whose crashes come at random with a true rate, looked at every day and at every crash.
Answer rollout(const SequentialTest& test, double true_rate, int machines, std::mt19937_64& random) {
  const auto until_next = [&] {
    return -std::log(1 - std::uniform_real_distribution<>(0, 1)(random)) / true_rate;
  };
  double days = 0, next = until_next();
  for (int crashes = 0;;) {
    const bool crashed = next < days + machines;
    days = crashed ? next : days + machines;
    if (crashed) {
      ++crashes;
      next += until_next();
    }
    if (const auto answer = test.answer(crashes, days); answer != Answer::undecided) return answer;
  }
}

int wrong_of_1000(double true_rate, Answer wrong, int machines) {
  const SequentialTest test(rate);
  std::mt19937_64 random(291);
  int count = 0;
  for (int i = 0; i < 1000; ++i) count += rollout(test, true_rate, machines, random) == wrong;
  return count;
}

}  // namespace

TEST_CASE("the boundaries are those of the documents") {
  const SequentialTest test(rate);
  for (const auto& [crashes, days] : {std::pair(0, 3'329), {1, 5'887}, {2, 8'446}}) {
    INFO(crashes);
    CHECK(std::ceil(test.fine_from(crashes)) == days);
    CHECK(test.answer(crashes, days - 1) == Answer::undecided);
    CHECK(test.answer(crashes, days) == Answer::fine);
  }
  CHECK(std::floor(test.bad_until(2)) == 1'788);
  CHECK(test.answer(2, 1'788) == Answer::bad);
  CHECK(test.answer(2, 1'789) == Answer::undecided);
  CHECK(test.bad_until(1) < 0);
  CHECK(test.answer(1, 0) == Answer::undecided);
  CHECK(test.answer(0, 0) == Answer::undecided);
}

TEST_CASE(
    "of 1,000 rollouts at the bad rate at most 64 open, and of 1,000 at the fine rate at most 64 halt") {
  for (const int machines : {25, 400}) {
    INFO(machines << " machines");
    const int opened = wrong_of_1000(rate.bad, Answer::fine, machines);
    const int halted = wrong_of_1000(rate.fine, Answer::bad, machines);
    CHECK(opened <= 64);
    CHECK(halted <= 64);
    // A test that never decides wrongly would be another one than is documented.
    CHECK(opened + halted > 10);
    CHECK(wrong_of_1000(rate.bad, Answer::bad, machines) == 1000 - opened);
  }
}

TEST_CASE("days without a crash exclude a rate above three by their number") {
  CHECK(not_excluded(0, 25) == Approx(3.0 / 25).epsilon(0.002));
  CHECK(rate_in_words(not_excluded(0, 25)) == "12 %");
  CHECK(rate_in_words(not_excluded(0, 3'329)) == "1 in 1,111");
  CHECK(not_excluded(1, 1'000) == Approx(4.7439 / 1'000).epsilon(1e-4));
  CHECK(not_excluded(10, 1) == Approx(16.962).epsilon(1e-4));
  CHECK(rate_in_words(not_excluded(0, 0.5)) == "one a day");
  CHECK(std::isinf(not_excluded(0, 0)));
  CHECK(days_in_words(0) == "0");
  CHECK(days_in_words(2.49) == "2.4");
  CHECK(days_in_words(2) == "2");
  CHECK(days_in_words(10.9) == "10");
  CHECK(counted(1, "crash", "crashes") == "1 crash");
  CHECK(counted(0, "crash", "crashes") == "0 crashes");
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(1'234'567.9) == "1,234,567");
}
