// rings.yaml: what it means, and every mistake at its place.

#include "labctl/base/text.h"
#include "tests/catch.h"
#include "tests/rings/told.h"

using namespace labctl;
using namespace std::chrono_literals;

TEST_CASE("a plan of rings is read") {
  const auto loaded = rings::load_plan(test::plan_text, "rings.yaml");
  REQUIRE(loaded.mistakes.empty());
  const auto& plan = loaded.plan;
  CHECK(plan.gate.scenario == "release.yaml");
  CHECK(plan.gate.max_age == Millis(36h));
  CHECK(plan.gate.require == std::vector<std::string>{"debian-*"});
  CHECK(plan.gate.min_boots == 3);
  CHECK(plan.valid == 6h);
  CHECK(plan.names() == "internal, early, broad");
  CHECK(plan.find("early") == 1);
  CHECK(!plan.find("beta"));
  CHECK(plan.rings[0].machines == 25);
  CHECK(plan.rings[0].soak == 24h);
  CHECK(plan.rings[0].silent_after == 24h);
  CHECK(plan.rings[0].halt_crashes == 1);
  CHECK(plan.rings[0].halt_silent == Approx(0.1));
  CHECK(plan.rings[0].wait_silent == 0);
  REQUIRE(plan.rings[1].crash_rate);
  CHECK(plan.rings[1].crash_rate->fine == Approx(1e-4));
  CHECK(plan.rings[1].crash_rate->bad == Approx(1e-3));
  CHECK(plan.rings[1].crash_rate->sure == Approx(0.95));
}

TEST_CASE("each mistake in a plan of rings is told at its line and column") {
  const std::string head = "labctl: 1\nverdict: {scenario: a.yaml, max-age: 1h}\n";
  const std::string one = "{name: a, machines: 1, soak: 1h, halt: {crashes: 1}}";
  const auto ring = [&](const std::string& text) {
    return head + "rings:\n  - " + text + "\n  - {name: z}\n";
  };
  const struct {
    std::string text, at, what;
  } table[] = {
      {"rings: []\n", "r:1:1", "has no 'labctl'"},
      {"labctl: 1\nrings: [{name: a}]\n", "r:1:1", "has no 'verdict'"},
      {"labctl: 1\nverdict: {scenario: a.yaml}\nrings: [{name: a}]\n", "r:2:10", "has no 'max-age'"},
      {"labctl: 1\nverdict: {max-age: 1h}\nrings: [{name: a}]\n", "r:2:10", "has no 'scenario'"},
      {head, "r:1:1", "has no 'rings'"},
      {"labctl: 2\nverdict: {scenario: a.yaml, max-age: 1h}\nrings: [{name: a}]\n", "r:1:9", "not between"},
      {head + "rings: []\n", "r:3:8", "empty"},
      {head + "valid: 7\nrings: [{name: a}]\n", "r:3:8", "no unit"},
      {head + "valid: 90d\nrings: [{name: a}]\n", "r:3:8", "not between"},
      {ring("{machines: 1, soak: 1h, halt: {crashes: 1}}"), "r:4:5", "has no 'name'"},
      {ring("{name: A, machines: 1, soak: 1h, halt: {crashes: 1}}"), "r:4:12", "not a name"},
      {ring("{name: a.b, machines: 1, soak: 1h, halt: {crashes: 1}}"), "r:4:12", "not a name"},
      {ring("{name: z, machines: 1, soak: 1h, halt: {crashes: 1}}"), "r:5:5", "stands twice"},
      {ring("{name: a, soak: 1h, halt: {crashes: 1}}"), "r:4:5", "has no 'machines'"},
      {ring("{name: a, machines: 1, halt: {crashes: 1}}"), "r:4:5", "has no 'soak'"},
      {ring("{name: a, machines: 1, soak: 1h}"), "r:4:5", "no crash could halt it"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {silent: 1 %}}"), "r:4:5", "no crash could halt it"},
      {ring("{name: a, machines: 0, soak: 1h, halt: {crashes: 1}}"), "r:4:25", "not between"},
      {ring("{name: a, machines: 5, at-most: 4, soak: 1h, halt: {crashes: 1}}"), "r:4:37", "less than"},
      {ring("{name: a, machines: 1, soak: 1, halt: {crashes: 1}}"), "r:4:34", "no unit"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {crashes: 0}}"), "r:4:54", "not between"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {crashes: 1, silent: 10}}"), "r:4:65", "number to YAML"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {crashes: 1, silent: 101 %}}"), "r:4:65", "between"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {crashes: 1, silent: 1 %}, wait: {silent: 2 %}}"),
       "r:4:86", "more than halt"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 1/100}}"), "r:4:50", "has no 'bad'"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {bad: 1/100}}"), "r:4:50", "has no 'fine'"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 100, bad: 1/10}}"), "r:4:57", "number"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 2/1, bad: 1/10}}"), "r:4:57", "rate"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 1/0, bad: 1/10}}"), "r:4:57", "rate"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: -1/9, bad: 1/10}}"), "r:4:57", "rate"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 1/100, bad: 1/90}}"), "r:4:69", "twice"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 1/99, bad: 1/9, per: week}}"), "r:4:78",
       "machine-day"},
      {ring("{name: a, machines: 1, soak: 1h, crash-rate: {fine: 1/99, bad: 1/9, sure: 30 %}}"), "r:4:79",
       "between"},
      {ring("{name: a, machines: 1, soak: 1h, halt: {crashs: 1}}"), "r:4:45", "unknown key"},
      {head + "rings: [" + one + "]\nring: 1\n", "r:4:1", "unknown key"},
  };
  for (const auto& [text, at, what] : table) {
    INFO(text);
    const auto mistakes = rings::load_plan(text, "r").mistakes;
    REQUIRE(!mistakes.empty());
    CHECK(mistakes.front().where == at);
    CHECK_THAT(mistakes.front().what, ContainsSubstring(what));
    CHECK(mistakes.front().fault == Fault::input);
  }
  CHECK(rings::load_plan(ring(one), "r").mistakes.empty());
  CHECK(rings::load_plan(head + "rings: [{name: a}]\n", "r").mistakes.empty());
}
