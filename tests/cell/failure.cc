// What a failure is known by: its title, its life, and the story up to there.

#include "labctl/outcome/failure.h"

#include "tests/catch.h"
#include "tests/cell/story.h"

using namespace story;

namespace {

outcome::Outcome crashed(const std::string& title, int boot, const std::string& suppressed = {}) {
  outcome::Outcome outcome{.ending = outcome::Ending::crashed};
  auto found = finding(title);
  found.suppressed = suppressed;
  outcome.findings.push_back({.finding = found, .boot = boot});
  return outcome;
}

}  // namespace

TEST_CASE("the same crash has the same title; what ended without a word is the same when it ends so again") {
  const plan::Cell cell = candidate();
  const auto same = [&](const outcome::Outcome& before, const outcome::Outcome& now) {
    return outcome::is_same(outcome::failure_of(cell, before), cell, now);
  };
  const auto oops = crashed("oops in sensor", 2);
  CHECK(outcome::failure_of(cell, oops).boot == 2);
  CHECK(same(oops, crashed("oops in sensor", 0)));
  CHECK_FALSE(same(oops, crashed("oops in disk", 2)));
  CHECK_FALSE(same(oops, crashed("oops in sensor", 2, "known")));
  const outcome::Outcome hung{.ending = outcome::Ending::hung, .reason = "silence", .boots_proved = 1};
  CHECK(same(hung, hung));
  CHECK_FALSE(same(hung, crashed("oops in sensor", 1)));
  CHECK(outcome::failure_of(cell, hung).boot == 1);
  CHECK(outcome::failure_of(cell, hung).name() == "silence");
}

TEST_CASE("a cell that passed is no failure, whatever a person let it show") {
  auto shown = crashed("oops in sensor", 0);
  const auto failure = outcome::failure_of(candidate(), shown);
  shown.ending = outcome::Ending::passed;
  CHECK_FALSE(outcome::is_same(failure, candidate(), shown));
}

TEST_CASE("what is fatal stands for a failure, before a warning that came first") {
  plan::Cell cell = candidate();
  auto outcome = crashed("WARNING: in sensor", 0);
  outcome.findings[0].finding.severity = crash::Severity::warning;
  outcome.findings.push_back(crashed("oops in sensor", 1).findings[0]);
  CHECK(outcome::failure_of(cell, outcome).title == "oops in sensor");
  CHECK(outcome::failure_of(cell, outcome).boot == 1);
  outcome.findings.pop_back();
  CHECK(outcome::failure_of(cell, outcome).title == "WARNING: in sensor");
  cell.policy.warnings_fail = false;
  CHECK(outcome::failure_of(cell, outcome).title.empty());
}

TEST_CASE("a story is cut behind the life in which it happened, and not before") {
  const auto cell = candidate();  // install, apply, exercise, three reboots
  CHECK(outcome::cut_story(cell, 0).story.size() == 3);
  CHECK(outcome::cut_story(cell, 1).story.size() == 4);
  CHECK(outcome::cut_story(cell, 3).story.size() == 6);
  CHECK(outcome::cut_story(cell, 9).story.size() == 6);
}
