// A fire drill vouches for a gate only when that gate blocked, lately, and on the same images.

#include <functional>

#include "labctl/attest/drill.h"
#include "tests/attest/good_statement.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;
using test::good_statement;

namespace {

attest::Statement blocked() {
  attest::Statement drill = good_statement();
  drill.subjects = {{"driver.deb", sha256("driver")}, {"content.bin", sha256("content 291")}};
  drill.result = attest::TestResult::failed;
  drill.verdict = "blocked";
  drill.passed.clear();
  drill.failed = {"debian.candidate"};
  drill.cells[0].outcome = "crashed";
  return drill;
}

}  // namespace

TEST_CASE("a drill vouches for the gate, or it is said why not") {
  const struct {
    const char* name;
    std::function<void(attest::Statement&, attest::Statement&)> change;  // of the drill, of the release
    const char* why;
  } table[] = {
      {"blocked", [](auto&, auto&) {}, ""},
      {"hung is blocked, too", [](auto& drill, auto&) { drill.cells[0].outcome = "hung"; }, ""},
      {"passed", [](auto& drill, auto&) { drill = good_statement(); }, "its verdict is 'passed'"},
      {"no verdict", [](auto& drill, auto&) { drill.verdict = "no-verdict"; }, "its verdict is 'no-verdict'"},
      {"a result that contradicts", [](auto& drill, auto&) { drill.result = attest::TestResult::passed; },
       "not blocked"},
      {"older rules", [](auto& drill, auto&) { drill.rules = 1; }, "rule set 1"},
      {"too old", [](auto& drill, auto&) { drill.began -= 8 * 86'400; }, "too old"},
      {"from the future", [](auto& drill, auto&) { drill.ended += 10'000; }, "from the future"},
      {"the release itself", [](auto& drill, auto& release) { drill.subjects = release.subjects; },
       "the release itself"},
      {"an image that was not drilled",
       [](auto&, auto& release) {
         release.configuration.push_back({"image/ubuntu", sha256("u")});
       },
       "did not run on the image 'ubuntu'"},
      {"another build of the image",
       [](auto&, auto& release) { release.configuration[2].sha256 = sha256("rebuilt"); }, "was another one"},
      {"nothing failed there", [](auto& drill, auto&) { drill.cells[0].outcome = "passed"; },
       "no guest failed"},
      {"the lab failed there", [](auto& drill, auto&) { drill.cells[0].outcome = "lab-failed"; },
       "no guest failed"},
      {"a negative test", [](auto& drill, auto&) { drill.cells[0].expected = true; }, "no guest failed"},
      {"it failed elsewhere", [](auto& drill, auto&) { drill.cells[0].held.image = "other"; },
       "no guest failed"},
      {"its control failed", [](auto& drill, auto&) { drill.cells[1].outcome = "crashed"; },
       "no control passed"},
      {"no control", [](auto& drill, auto&) { drill.cells.pop_back(); }, "no control passed"},
  };
  for (const auto& [name, change, why] : table) {
    INFO(name);
    attest::Statement drill = blocked(), release = good_statement();
    change(drill, release);
    const auto objection = attest::objection_to_drill(drill, release, test::soon.now, 24h * 7);
    CHECK(objection.has_value() == (*why != 0));
    CHECK_THAT(objection.value_or(""), ContainsSubstring(why));
  }
}
