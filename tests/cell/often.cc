// How often: counted from outcomes, told with what few attempts can say.

#include "labctl/cell/often.h"

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;

namespace {

outcome::Outcome crashed(const std::string& title, int boot) {
  outcome::Outcome outcome{.ending = outcome::Ending::crashed};
  outcome.findings.push_back({finding(title), event::Channel::console, boot, true});
  return outcome;
}
const outcome::Failure bug_x{.title = "BUG: x"};
const outcome::Outcome passed{.ending = outcome::Ending::passed};

}  // namespace

TEST_CASE("only the same title counts as the same, and a lab that failed says nothing") {
  const outcome::Outcome lab{.ending = outcome::Ending::lab_failed};
  const auto often = cell::count(
      candidate(), bug_x, {crashed("BUG: x", 2), passed, crashed("BUG: x", 2), crashed("BUG: y", 1), lab});
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
  outcome::Outcome hung{.ending = outcome::Ending::hung, .reason = "the heartbeat was lost"};
  CHECK_THAT(cell::in_words(cell::count(candidate(), bug_x, {crashed("BUG: x", 1), crashed("BUG: x", 3)})),
             ContainsSubstring("1 times in boot 1, 1 times in boot 3"));
  CHECK(cell::count(candidate(), outcome::failure_of(candidate(), hung), {hung}).same == 1);
}
