// What people have accepted, in a whole run.

#include <functional>

#include "labctl/base/json.h"
#include "labctl/outcome/accept.h"
#include "labctl/outcome/blame.h"
#include "tests/verdict/outcomes.h"

using namespace outcomes;
using scenario::As;

namespace {

constexpr const char* oops = "BUG: unable to handle page fault in sensor_match";

scenario::Acceptance entry(As as, const std::string& cell, const std::string& until = "2026-12-31",
                           const std::string& title = oops) {
  return {.as = as,
          .title = title,
          .cells = {cell},
          .owner = "kim",
          .reason = "bug 4711",
          .until = *parse_date(until)};
}

// Cell a shows the finding and is as `shown` says; b, on the same image, holds the candidates and passes.
struct Run {
  plan::Plan plan = two_images();
  std::vector<Outcome> outcomes = all_passed();
  std::vector<outcome::Canary> canaries = outcomes::canaries();

  Run() {
    plan.date = *parse_date("2026-06-15");
    for (auto& cell : plan.cells)
      if (!cell.control) cell.guest.driver.modules = {"sensor"};
    plan.cells[0].driver = "previous";
    plan.cells[1].image = plan.cells[0].image;
  }
  Run& expects() {
    plan.cells[0].accepted.push_back(entry(As::expected, "a"));
    return *this;
  }
  Run& waives(const std::string& cells, const std::string& until = "2026-12-31") {
    plan.waivers.push_back(entry(As::waived, cells, until));
    for (auto& cell : plan.cells)
      if (const auto& waiver = plan.waivers.back(); waiver.matches(cell.id) && !waiver.expired(plan.date))
        cell.accepted.push_back(waiver);
    return *this;
  }
  Run& crashes() {
    outcomes[0] = ended("a", Ending::crashed, std::string(oops) + " [module sensor, the candidate's]");
    return shows();
  }
  Run& shows() {
    outcomes[0].findings.push_back(seen(crash::Severity::fatal));
    return *this;
  }
  verdict::Verdict judge() const { return verdict::judge(plan, outcomes, canaries); }
};

struct Row {
  const char* name;
  Decision decision;
  const char* reason;  // a piece of one of the reasons
  std::function<void(Run&)> change;
  bool waived = false, expected = false;
};

const std::vector<Row>& rows() {
  constexpr auto yes = Decision::passed, no = Decision::blocked, unknown = Decision::no_verdict;
  static const std::vector<Row> all = {
      {"an expected crash", yes, "", [](Run& r) { r.expects().crashes(); }, false, true},
      {"an expected crash that nobody expects", no, oops, [](Run& r) { r.crashes(); }},
      {"an outcome that says itself that it was expected", no, oops,
       [](Run& r) { r.crashes().outcomes[0].expected = true; }},
      {"an expected crash, and the cell claims to have passed with it", unknown, "with a fatal finding",
       [](Run& r) { r.expects().shows(); }},
      {"a cell that claims to have passed without what is expected of it", unknown, "without the finding",
       [](Run& r) { r.expects(); }},
      {"an expected finding in a cell that hung", no, "a hung",
       [](Run& r) { r.expects().crashes().outcomes[0].ending = Ending::hung; }},
      {"an expected finding in a cell that the lab failed", unknown, "lab-failed",
       [](Run& r) { r.expects().crashes().outcomes[0].ending = Ending::lab_failed; }},
      {"an expected crash under a control that failed", unknown, "the control without the candidate",
       [](Run& r) { r.expects().crashes().outcomes[2] = ended("a.control", Ending::crashed); }},
      {"an expected crash under another run's control", unknown, "in another run",
       [](Run& r) {
         r.expects().crashes().outcomes[2].kept = outcome::ReusedFrom{"2026-11-20T08:00:00Z", "r"};
       }},
      {"an expected crash without a control", unknown, "no control for this image",
       [](Run& r) {
         r.expects().crashes();
         r.plan.cells.erase(r.plan.cells.begin() + 2), r.outcomes.erase(r.outcomes.begin() + 2);
       }},
      {"an expected crash where the channels are not proved", unknown, "are not proved",
       [](Run& r) { r.expects().crashes().canaries[0].deaths[0].reason = "silent: heartbeat"; }},
      {"an expected crash, and what was expected is told beside what came", no, "expected here: 'BUG: unable",
       [](Run& r) {
         r.expects().crashes().outcomes[0].findings[0].finding.title = "general protection fault";
       }},
      {"expected crashes alone prove nothing", unknown, "no cell passed",
       [](Run& r) {
         r.expects().crashes();
         r.plan.cells.erase(r.plan.cells.begin() + 1), r.outcomes.erase(r.outcomes.begin() + 1);
       },
       false, true},
      {"the candidate driver is only where a crash is expected", unknown,
       "no cell that passed has booted with the candidate driver",
       [](Run& r) {
         r.expects().crashes();
         std::swap(r.plan.cells[0].driver, r.plan.cells[1].driver);
       },
       false, true},
      {"the candidate content is only where a crash is expected", unknown,
       "no cell that passed has booted with the candidate driver and the candidate content",
       [](Run& r) {
         r.expects().crashes();
         r.plan.cells[1].content = "current";
       },
       false, true},
      {"a waived finding in a cell that passed", yes, "", [](Run& r) { r.waives("a").shows(); }, true},
      {"a waived finding in a control that passed", yes, "",
       [](Run& r) { r.waives("*.control").outcomes[2].findings.push_back(seen(crash::Severity::fatal)); },
       true},
      {"a waiver whose finding did not come", yes, "", [](Run& r) { r.waives("*"); }},
      {"a waiver of another cell", unknown, "with a fatal finding", [](Run& r) { r.waives("b").shows(); }},
      {"an expired waiver", unknown,
       "the waiver of 'BUG: unable to handle page fault in sensor_match' by kim expired",
       [](Run& r) { r.waives("a", "2026-06-14").shows(); }},
      {"a waived finding waives no crash", no, "a crashed", [](Run& r) { r.waives("a").crashes(); }},
      {"a waived finding waives no missing boot", unknown, "1 of 3 boots",
       [](Run& r) { r.waives("a").shows().outcomes[0].boots_proved = 1; }},
      {"a waived finding, and a crash elsewhere", no, "b crashed",
       [](Run& r) { r.waives("a").shows().outcomes[1] = ended("b", Ending::crashed); }},
      {"no waiver speaks for a sign", unknown, "with a fatal finding",
       [](Run& r) { r.waives("a").shows().outcomes[0].findings[0].finding.line = 0; }},
  };
  return all;
}

}  // namespace

TEST_CASE("the verdict of a run with accepted findings") {
  for (const Row& row : rows()) {
    DYNAMIC_SECTION(row.name) {
      Run run;
      row.change(run);
      const auto verdict = run.judge();
      std::string reasons;
      for (const auto& reason : verdict.reasons) reasons += reason + "\n";
      CHECK(std::string(verdict::to_string(verdict.decision)) == verdict::to_string(row.decision));
      CHECK_THAT(reasons, ContainsSubstring(row.reason));
      CHECK(verdict.waived == row.waived);
      CHECK(verdict.cells[0].expected == row.expected);
      CHECK(verdict.reasons.empty() == (row.decision == Decision::passed));
    }
  }
}

TEST_CASE("what only the policy let pass makes the verdict warned") {
  struct Row {
    const char* name;
    std::function<void(Run&, crash::Finding&)> change;
    bool warned;
  };
  const Row rows[] = {
      {"a warning", [](Run&, crash::Finding&) {}, true},
      {"a taint that no report explains", [](Run&, crash::Finding& f) { f.line = 0; }, true},
      {"a line with no report behind it", [](Run&, crash::Finding& f) { f.confirmed = false; }, false},
      {"known noise", [](Run&, crash::Finding& f) { f.suppressed = "known noise"; }, false},
      {"a cell that failed besides",
       [](Run& r, crash::Finding&) { r.outcomes[0].ending = Ending::lab_failed; }, false},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    Run run;
    for (auto& cell : run.plan.cells) cell.policy.warnings_fail = false;
    CHECK_FALSE(run.judge().warned());  // allowed, and not used
    run.outcomes[0].findings.push_back(seen(crash::Severity::warning));
    run.outcomes[2].findings = run.outcomes[0].findings;
    row.change(run, run.outcomes[0].findings[0].finding);
    run.outcomes[2].findings[0].finding = run.outcomes[0].findings[0].finding;
    const auto verdict = run.judge();
    CHECK(verdict.warned() == row.warned);
    CHECK_FALSE(verdict.waived);
    CHECK(outcome::took_weaker(run.plan.cells[0], run.outcomes[0]) ==
          (row.warned || !verdict.reasons.empty()));
    if (!verdict.reasons.empty()) CHECK(verdict.weaker[0].cells == std::vector<std::string>{"a.control"});
    if (!row.warned) continue;
    CHECK(verdict.exit_code() == 0);
    CHECK(to_json(verdict, run.plan)["weaker"] ==
          Json::array({{{"option", "policy.warnings"}, {"title", oops}, {"cells", {"a", "a.control"}}}}));
  }
}

TEST_CASE("content that the scenario calls unproved makes a pass WARNED, and controls have none") {
  Run run;
  for (auto& cell : run.plan.cells)
    cell.guest.content = scenario::Content{.path = "/c", .apply = "", .unproved = "the driver tells nobody"};
  const auto verdict = run.judge();
  CHECK(verdict.warned());
  CHECK(verdict.exit_code() == 0);
  REQUIRE(verdict.weaker.size() == 1);
  CHECK(verdict.weaker[0].option == std::string(verdict::unproved_option));
  CHECK(verdict.weaker[0].title == "the driver tells nobody");
  for (const auto& id : verdict.weaker[0].cells) CHECK_THAT(id, !ContainsSubstring("control"));
  CHECK(outcome::took_weaker(run.plan.cells[0], run.outcomes[0]));
  // A cell that failed has used nothing.
  run.outcomes[0].ending = Ending::not_loaded;
  CHECK_FALSE(run.judge().warned());
}

TEST_CASE("every waiver tells what became of it") {
  Run run;
  run.waives("a").waives("b").waives("a", "2026-06-14").shows();
  const auto verdict = run.judge();
  REQUIRE(verdict.waivers.size() == 3);
  CHECK(verdict.waivers[0].state == verdict::WaiverState::used);
  CHECK(verdict.waivers[1].state == verdict::WaiverState::unused);
  CHECK(verdict.waivers[2].state == verdict::WaiverState::expired);
}

TEST_CASE("a module is the candidate's by its whole name, and a control has none") {
  plan::Cell cell;
  crash::Finding finding;
  CHECK_FALSE(outcome::of_candidate(cell, finding));  // no name is not the same name
  cell.guest.driver.modules = {"sensor"};
  CHECK_FALSE(outcome::of_candidate(cell, finding));
  for (const char* other : {"sens", "sensor_core", "Sensor", ""}) {
    finding.module = other;
    CHECK_FALSE(outcome::of_candidate(cell, finding));
  }
  finding.module = "sensor";
  CHECK(outcome::of_candidate(cell, finding));
  finding.module = "sensor.sys";
  CHECK_FALSE(outcome::of_candidate(cell, finding));  // a file of Windows means nothing on Linux
}

TEST_CASE("a driver of Windows is the candidate's by its file, in any case") {
  plan::Cell cell;
  cell.guest.os = scenario::Os::windows;
  cell.guest.driver.modules = {"Sensor"};
  crash::Finding finding;
  for (const char* own : {"sensor.sys", "Sensor.SYS", "Sensor"}) {
    finding.module = own;
    INFO(own);
    CHECK(outcome::of_candidate(cell, finding));
  }
  for (const char* other : {"sensor.exe", "sensors.sys", "xsensor.sys", "ntoskrnl.exe", ".sys", ""}) {
    finding.module = other;
    INFO(other);
    CHECK_FALSE(outcome::of_candidate(cell, finding));
  }
  cell.guest.driver.modules.clear();  // no name is not the same name
  finding.module = ".sys";
  CHECK_FALSE(outcome::of_candidate(cell, finding));
}

TEST_CASE("verdict.json with accepted findings is as it was") {
  Run run;
  run.expects().crashes().waives("b").waives("*", "2026-06-14").waives("nowhere");
  run.outcomes[1].findings.push_back(seen(crash::Severity::fatal));
  const auto verdict = run.judge();
  CHECK(verdict.waived);
  same_as_golden("accepted.json", dump_pretty(to_json(verdict, run.plan)));
}

TEST_CASE("what is expected and no text told ends its story, however mild") {
  Run run;
  run.expects();
  auto finding = seen(crash::Severity::warning).finding;
  CHECK(outcome::tolerated(run.plan.cells[0], finding));
  finding.line = 0;
  CHECK_FALSE(outcome::tolerated(run.plan.cells[0], finding));
}
