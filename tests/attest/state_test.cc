// What a bundle's record becomes in a statement.

#include "labctl/attest/statement.h"
#include "tests/catch.h"

using namespace labctl;

TEST_CASE("the plan of a scenario has neither the day nor the waivers of a run, and all else") {
  plan::Plan plan{.scenario = "x", .cells = {plan::Cell{.id = "a"}}};
  const std::string digest = attest::scenario_plan_sha256(plan);
  auto later = plan;
  later.date = *parse_date("2026-12-31");
  later.notes = {"the waiver expired"};
  later.waivers = {{.as = scenario::As::waived, .title = "x"}};
  later.cells[0].accepted = later.waivers;
  CHECK(attest::scenario_plan_sha256(later) == digest);
  auto weaker = plan;
  weaker.cells[0].policy.warnings_fail = false;
  CHECK(attest::scenario_plan_sha256(weaker) != digest);
  auto part = plan;
  part.left_out = {"b"};
  CHECK(attest::scenario_plan_sha256(part) != digest);
}
