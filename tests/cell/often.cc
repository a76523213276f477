// How often: counted from outcomes, told with what few attempts can say.

#include "labctl/cell/often.h"

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;

namespace {

verdict::Outcome crashed(const std::string& title, int boot) {
  verdict::Outcome outcome{.ending = verdict::Ending::crashed};
  outcome.findings.push_back({finding(title), "console", boot, true});
  return outcome;
}
const verdict::Outcome passed{.ending = verdict::Ending::passed};

bool near(double a, double b) { return a > b - 0.0005 && a < b + 0.0005; }

}  // namespace

TEST_CASE("the interval is Wilson's, and few attempts are sure of little") {
  struct {
    int hits, times;
    double low, high;
  } cases[] = {
      {7, 20, 0.1812, 0.5671}, {0, 10, 0, 0.2775}, {10, 10, 0.7225, 1}, {1, 1, 0.2065, 1}, {0, 0, 0, 1}};
  for (const auto& c : cases) {
    const auto interval = cell::wilson(c.hits, c.times);
    INFO(c.hits << " of " << c.times << ": " << interval.low << " to " << interval.high);
    CHECK(near(interval.low, c.low));
    CHECK(near(interval.high, c.high));
  }
}

TEST_CASE("only the same title counts as the same, and a lab that failed says nothing") {
  const verdict::Outcome lab{.ending = verdict::Ending::lab_failed};
  const auto often = cell::count(
      candidate(), "BUG: x", {crashed("BUG: x", 2), passed, crashed("BUG: x", 2), crashed("BUG: y", 1), lab});
  CHECK(often.times == 4);
  CHECK(often.same == 2);
  CHECK(often.lab_failed == 1);
  CHECK(often.others.at("BUG: y") == 1);
  const std::string words = cell::in_words(often);
  CHECK_THAT(words, ContainsSubstring("2 of 4 times (50 %"));
  CHECK_THAT(words, ContainsSubstring("always in boot 2"));
  CHECK_THAT(words, ContainsSubstring("1 times in another: BUG: y"));
  CHECK(cell::to_json(often)["boots"][0]["times"] == 2);
}

TEST_CASE("boots that differ are told one by one, and nothing is told of a hang's title but its reason") {
  verdict::Outcome hung{.ending = verdict::Ending::hung, .reason = "the heartbeat was lost"};
  CHECK_THAT(cell::in_words(cell::count(candidate(), "BUG: x", {crashed("BUG: x", 1), crashed("BUG: x", 3)})),
             ContainsSubstring("1 times in boot 1, 1 times in boot 3"));
  CHECK(cell::count(candidate(), "the heartbeat was lost", {hung}).same == 1);
}
