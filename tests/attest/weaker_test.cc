// A later release may not stand on less than the one before.

#include "labctl/attest/weaker.h"

#include <functional>

#include "tests/attest/good_statement.h"
#include "tests/catch.h"

using namespace labctl;
using attest::Statement;

namespace {

// With a second image and content, a negative test and a proof, so that each can be taken away.
Statement rich() {
  Statement statement = test::good_statement();
  statement.cells[0].proofs = 2;
  auto other = statement.cells[0];
  other.id = "alma.candidate";
  other.held.image = "alma";
  auto negative = statement.cells[0];
  negative.id = "debian.damaged";
  negative.expected = true;
  negative.held.contents = {"candidate:empty"};
  statement.cells.push_back(other);
  statement.cells.push_back(negative);
  statement.waivers = {"BUG in sensor_match"};
  return statement;
}

}  // namespace

TEST_CASE("the same, and more, is not weaker") {
  CHECK(attest::weaker_than(rich(), rich()).empty());
  Statement more = rich();
  more.cells[0].boots_proved += 3;
  more.cells[0].proofs = 3;
  more.waivers.clear();
  more.cells.push_back(more.cells[0]);
  more.cells.back().held.image = "suse";
  CHECK(attest::weaker_than(more, rich()).empty());
}

TEST_CASE("each way around the gate by asking less is named") {
  const std::pair<const char*, std::function<void(Statement&)>> ways[] = {
      {"image alma: not tested", [](Statement& s) { s.cells.erase(s.cells.begin() + 2); }},
      {"image alma, machine smp", [](Statement& s) { s.cells[2].held.image = "other"; }},
      {"2 boots proved instead of 3", [](Statement& s) { s.cells[0].boots_proved = 2; }},
      {"boots with all candidates", [](Statement& s) { s.cells[0].held.boots_together = 1; }},
      {"1 proofs in its cells instead of 2", [](Statement& s) { s.cells[0].proofs = 1; }},
      {"negative tests", [](Statement& s) { s.cells.pop_back(); }},
      {"no content 'candidate:empty'", [](Statement& s) { s.cells.pop_back(); }},
      {"no driver 'candidate'", [](Statement& s) { s.cells[2].held.drivers = {"renamed"}; }},
      {"a waiver", [](Statement& s) { s.waivers.push_back("oops in sensor"); }},
      {"a waiver", [](Statement& s) { s.waivers.push_back(s.waivers[0]); }},
      {"a warning was let pass", [](Statement& s) { s.allowed = {"WARNING in sensor"}; }},
      {"unproved content", [](Statement& s) { s.unproved = {"no proof yet"}; }},
      {"policy.warnings", [](Statement& s) { s.warnings_allowed = true; }},
  };
  for (const auto& [wanted, change] : ways) {
    Statement before = rich();
    if (std::string(wanted).find("smp") != std::string::npos) before.cells[2].held.machine = "smp";
    Statement now = before;
    change(now);
    std::string all;
    for (const auto& line : attest::weaker_than(now, before)) all += line + "\n";
    INFO(wanted);
    CHECK_THAT(all, ContainsSubstring(wanted));
  }
}

TEST_CASE("what an earlier labctl did not write is not compared, and what it wrote is read back") {
  Statement before = rich();
  before.rules = 1;
  before.waivers.clear();
  CHECK(attest::weaker_than(rich(), before).empty());
  const auto read = attest::read_payload(attest::to_payload(rich()), {});
  REQUIRE(read);
  CHECK(read->waivers == rich().waivers);
  CHECK(read->cells[0].proofs == 2);
}
