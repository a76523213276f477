// May it be published? Passed only with a positive proof for everything.

#include <algorithm>
#include <functional>

#include "labctl/base/json.h"
#include "tests/verdict/outcomes.h"

using namespace outcomes;

namespace {

struct Row {
  const char* name;
  Decision decision;
  int exit_code;
  const char* reason;  // a piece of one of the reasons
  std::function<void(plan::Plan&, std::vector<Outcome>&, std::vector<std::string>&)> change;
};

#define CHANGE [](plan::Plan & p, std::vector<Outcome> & o, std::vector<std::string> & f)

const Row rows[] = {
    {"every cell, boot and control", Decision::passed, 0, "", CHANGE{(void)p, (void)o, (void)f;
}  // namespace
}
, {"an empty plan", Decision::no_verdict, 4, "no cell with a candidate",
   CHANGE{p.cells.clear(), o.clear(), (void)f;
}
}
, {"an empty plan with outcomes", Decision::no_verdict, 4, "not in the plan",
   CHANGE{p.cells.clear(), (void)o, (void)f;
}
}
, {"controls alone", Decision::no_verdict, 3, "no cell with a candidate",
   CHANGE{p.cells.erase(p.cells.begin(), p.cells.begin() + 2), o.erase(o.begin(), o.begin() + 2), (void)f;
}
}
, {"nothing ran", Decision::no_verdict, 4, "never started", CHANGE{o.clear(), (void)p, (void)f;
}
}
, {"a missing outcome", Decision::no_verdict, 3, "b not-run", CHANGE{o.erase(o.begin() + 1), (void)p, (void)f;
}
}
, {"two outcomes of one cell", Decision::no_verdict, 3, "more than one outcome",
   CHANGE{o.push_back(o[0]), (void)p, (void)f;
}
}
, {"two outcomes of one control", Decision::no_verdict, 3, "more than one outcome",
   CHANGE{o.push_back(o[2]), (void)p, (void)f;
}
}
, {"passed with fewer boots", Decision::no_verdict, 3, "2 of 3 boots",
   CHANGE{o[0].boots_proved = 2, (void)p, (void)f;
}
}
, {"passed with more boots", Decision::no_verdict, 3, "4 of 3 boots",
   CHANGE{o[0].boots_proved = 4, (void)p, (void)f;
}
}
, {"passed with fewer boots, all of which it says it wanted", Decision::no_verdict, 3, "1 of 3 boots",
   CHANGE{o[0].boots_wanted = o[0].boots_proved = 1, (void)p, (void)f;
}
}
, {"a control that passed with fewer boots", Decision::no_verdict, 3, "the control",
   CHANGE{o[2].boots_proved = 0, (void)p, (void)f;
}
}
, {"passed without any boot wanted", Decision::no_verdict, 3, "0 of 0 boots",
   CHANGE{p.cells[0].story.clear(), o[0].boots_wanted = o[0].boots_proved = 0, (void)f;
}
}
, {"passed with a fatal finding", Decision::no_verdict, 3, "fatal finding",
   CHANGE{o[0].findings.push_back(seen(crash::Severity::fatal)), (void)p, (void)f;
}
}
, {"passed with a warning when warnings fail", Decision::no_verdict, 3, "finding",
   CHANGE{o[0].findings.push_back(seen(crash::Severity::warning)), (void)p, (void)f;
}
}
, {"passed with a warning when warnings are allowed", Decision::passed, 0, "",
   CHANGE{p.cells[0].policy.warnings_fail = false, o[0].findings.push_back(seen(crash::Severity::warning)),
          (void)f;
}
}
, {"passed with a suppressed finding", Decision::passed, 0, "",
   CHANGE{o[0].findings.push_back(seen(crash::Severity::fatal)), (void)p, (void)f;
o[0].findings[0].finding.suppressed = "known noise";
}
}
, {"a crash", Decision::blocked, 1, "a crashed: because",
   CHANGE{o[0] = ended("a", Ending::crashed), (void)p, (void)f;
}
}
, {"a recovery", Decision::blocked, 1, "recovery",
   CHANGE{o[0] = ended("a", Ending::recovery), (void)p, (void)f;
}
}
, {"a hang", Decision::blocked, 1, "hung", CHANGE{o[0] = ended("a", Ending::hung), (void)p, (void)f;
}
}
, {"altered bytes", Decision::blocked, 1, "altered",
   CHANGE{o[0] = ended("a", Ending::altered), (void)p, (void)f;
}
}
, {"a driver not loaded", Decision::blocked, 1, "not-loaded",
   CHANGE{o[0] = ended("a", Ending::not_loaded), (void)p, (void)f;
}
}
, {"a lab failure", Decision::no_verdict, 3, "lab-failed",
   CHANGE{o[0] = ended("a", Ending::lab_failed), (void)p, (void)f;
}
}
, {"a cell not run", Decision::no_verdict, 3, "not-run",
   CHANGE{o[0] = ended("a", Ending::not_run), (void)p, (void)f;
}
}
, {"blocked beats no-verdict", Decision::blocked, 1, "a crashed",
   CHANGE{o[0] = ended("a", Ending::crashed), o[1] = ended("b", Ending::lab_failed), (void)p, (void)f;
}
}
, {"a crash on one image and a bad control on the other", Decision::blocked, 1, "a crashed",
   CHANGE{o[0] = ended("a", Ending::crashed), o[3] = ended("b.control", Ending::hung), (void)p, (void)f;
}
}
, {"a control that crashed", Decision::no_verdict, 3, "the control without the candidate ended crashed",
   CHANGE{o[2] = ended("a.control", Ending::crashed), (void)p, (void)f;
}
}
, {"a control that crashed as its candidate did", Decision::no_verdict, 3, "the cell itself ended crashed",
   CHANGE{o[0] = ended("a", Ending::crashed), o[2] = ended("a.control", Ending::crashed), (void)p, (void)f;
}
}
, {"a control that the lab failed", Decision::no_verdict, 3,
   "the control without the candidate ended lab-failed",
   CHANGE{o[2] = ended("a.control", Ending::lab_failed), (void)p, (void)f;
}
}
, {"a control that was not run", Decision::no_verdict, 3, "the control without the candidate ended not-run",
   CHANGE{o.erase(o.begin() + 2), (void)p, (void)f;
}
}
, {"no control for an image", Decision::no_verdict, 3, "no control for this image",
   CHANGE{p.cells.erase(p.cells.begin() + 2), o.erase(o.begin() + 2), (void)f;
}
}
, {"a control of another machine shape", Decision::no_verdict, 3, "no control for this image",
   CHANGE{p.cells[2].machine.vcpus = 2, (void)o, (void)f;
}
}
, {"a control with other memory", Decision::no_verdict, 3, "no control for this image",
   CHANGE{p.cells[2].machine.memory *= 2, (void)o, (void)f;
}
}
, {"two controls of which one failed", Decision::no_verdict, 3, "the control",
   CHANGE{p.cells.push_back(cell("a.control2", "debian-a", true)), (void)f;
o.push_back(ended("a.control2", Ending::hung));
}
}
, {"two cells of one name", Decision::no_verdict, 3, "more than one cell",
   CHANGE{p.cells.push_back(cell("a", "debian-a")), (void)o, (void)f;
}
}
, {"cells left out", Decision::no_verdict, 3, "excluded", CHANGE{p.left_out = {"c"}, (void)o, (void)f;
}
}
, {"a complaint about the run", Decision::no_verdict, 3, "the driver changed meanwhile",
   CHANGE{f = {"the driver changed meanwhile"}, (void)p, (void)o;
}
}
, {"an empty complaint about the run", Decision::no_verdict, 3, "", CHANGE{f = {""}, (void)p, (void)o;
}
}
, {"a complaint about the run and a crash", Decision::blocked, 1, "changed",
   CHANGE{f = {"the driver changed meanwhile"}, o[0] = ended("a", Ending::crashed), (void)p;
}
}
, {"an outcome of an unknown cell", Decision::no_verdict, 3, "'z', which is not in the plan",
   CHANGE{o.push_back(ended("z", Ending::passed)), (void)p, (void)f;
}
}
, {"candidates that were never together on one of two images", Decision::no_verdict, 3,
   "no cell that passed has booted with the candidate driver and the candidate content together on image "
   "debian-b",
   CHANGE{p.cells[1].content = "current", (void)o, (void)f;
}
}
, {"no candidate in a plan that was read back", Decision::no_verdict, 3, "labelled 'candidate'",
   CHANGE{p.cells[0].driver = p.cells[1].driver = "previous", (void)o, (void)f;
p.cells[0].content = p.cells[1].content = "current";
}
}
, {"a comparison on an image of its own", Decision::passed, 0, "",
   CHANGE{p.cells[1].driver = "previous", p.cells[1].content = "current", (void)o, (void)f;
}
}
, {"a candidate that no story puts in", Decision::no_verdict, 3, "on image debian-b",
   CHANGE{p.cells[1].story.erase(p.cells[1].story.begin()), (void)o, (void)f;
}
}
, {"an interruption", Decision::no_verdict, 130, "interrupted",
   CHANGE{o[0] = ended("a", Ending::interrupted), (void)p, (void)f;
}
}
, {"an interrupted control", Decision::no_verdict, 130, "interrupted",
   CHANGE{o[2] = ended("a.control", Ending::interrupted), (void)p, (void)f;
}
}
, {"an interrupted control of an image without other cells", Decision::no_verdict, 130, "interrupted",
   CHANGE{p.cells.push_back(cell("c.control", "debian-c", true)), (void)f;
o.push_back(ended("c.control", Ending::interrupted));
}
}
, {"an interruption after a crash", Decision::blocked, 130, "b crashed",
   CHANGE{o[0] = ended("a", Ending::interrupted), o[1] = ended("b", Ending::crashed), (void)p, (void)f;
}
}
,
}
;

}  // namespace

TEST_CASE("the verdict of each set of outcomes") {
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      plan::Plan plan = two_images();
      std::vector<Outcome> outcomes = all_passed();
      std::vector<std::string> faults;
      row.change(plan, outcomes, faults);
      const auto verdict = verdict::judge(plan, outcomes, canaries(), faults);
      std::string reasons;
      for (const auto& reason : verdict.reasons) reasons += reason + "\n";
      CHECK(std::string(verdict::to_string(verdict.decision)) == verdict::to_string(row.decision));
      CHECK(verdict.exit_code() == row.exit_code);
      CHECK_THAT(reasons, ContainsSubstring(row.reason));
      CHECK(verdict.reasons.empty() == (row.decision == Decision::passed));
      CHECK(verdict.cells.size() == plan.cells.size());
    }
  }
}

TEST_CASE("taking any one thing away from a passed verdict makes it no passed") {
  const auto passes = [](const plan::Plan& plan, const std::vector<Outcome>& outcomes) {
    return verdict::judge(plan, outcomes, canaries()).decision == Decision::passed;
  };
  REQUIRE(passes(two_images(), all_passed()));
  for (std::size_t i = 0; i < 4; ++i) {
    auto fewer = all_passed();
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_FALSE(passes(two_images(), fewer));
    for (int ending = 0; ending < static_cast<int>(Ending::passed); ++ending) {
      auto other = all_passed();
      other[i].ending = Ending(ending);
      CHECK_FALSE(passes(two_images(), other));
    }
  }
}

TEST_CASE("a cell that passed by older rules proves no pass, and is judged as before otherwise") {
  REQUIRE(outcome::not_asked(outcome::rules_now).empty());
  REQUIRE_FALSE(outcome::not_asked(outcome::rules_now - 1).empty());
  for (std::size_t i = 0; i < 4; ++i) {
    auto older = all_passed();
    older[i].rules = outcome::rules_now - 1;
    const auto verdict = verdict::judge(two_images(), older, canaries());
    CHECK(verdict.decision == Decision::no_verdict);
    CHECK(verdict.cells[i].ending == Ending::passed);
    REQUIRE(verdict.reasons.size() == 1);
    CHECK_THAT(verdict.reasons[0],
               ContainsSubstring("not asked then: " + outcome::not_asked(outcome::rules_now - 1).front()));
  }
  auto crashed = all_passed();
  crashed[0] = ended("a", Ending::crashed);
  crashed[0].rules = outcome::rules_now - 1;
  CHECK(verdict::judge(two_images(), crashed, canaries()).decision == Decision::blocked);
}

TEST_CASE("the order of the outcomes does not matter, the order of the plan does") {
  auto outcomes = all_passed();
  outcomes[1] = ended("b", Ending::hung);
  const auto plan = two_images();
  const auto there = dump_line(to_json(verdict::judge(plan, outcomes, canaries()), plan));
  std::reverse(outcomes.begin(), outcomes.end());
  CHECK(dump_line(to_json(verdict::judge(plan, outcomes, canaries()), plan)) == there);
}

TEST_CASE("the guest's faults are the first five endings") {
  for (int i = 0; i <= static_cast<int>(Ending::passed); ++i)
    CHECK(outcome::is_guest_failure(Ending(i)) == (i < 5));
}

TEST_CASE("verdict.json is as it was") {
  auto outcomes = all_passed();
  outcomes[0] =
      ended("a", Ending::crashed, "BUG: unable to handle page fault in sensor_match [module sensor]");
  outcomes[0].step = "boot 1/3: settle";
  outcomes[0].took = Millis(61'500);
  outcomes[0].boots_proved = 0;
  outcomes[0].findings = {seen(crash::Severity::fatal), seen(crash::Severity::warning)};
  outcomes[0].findings[1].finding.suppressed = "known noise";
  outcomes[0].findings[1].finding.corrupted = "two CPUs wrote at once";
  outcomes[1].took = Millis(180'000);
  const struct {
    const char* file;
    std::vector<Outcome> outcomes;
    std::vector<std::string> faults;
  } golden[] = {{"blocked.json", outcomes, {}},
                {"passed.json", all_passed(), {}},
                {"no-verdict.json",
                 {ended("a", Ending::interrupted, "the run was interrupted")},
                 {"the driver changed"}}};
  for (const auto& [file, given, faults] : golden) {
    const auto plan = two_images();
    same_as_golden(file, dump_pretty(to_json(verdict::judge(plan, given, canaries(), faults), plan)));
  }
}

TEST_CASE("an image whose channels were not seen to speak passes nothing") {
  const auto plan = two_images();
  const auto judged = [&](const std::vector<outcome::Canary>& seen, std::vector<Outcome> outcomes) {
    return verdict::judge(plan, outcomes, seen);
  };
  CHECK(judged(canaries(), all_passed()).decision == Decision::passed);
  CHECK(judged({}, all_passed()).decision == Decision::no_verdict);
  CHECK(judged({canaries()[0]}, all_passed()).decision == Decision::no_verdict);

  auto blind = canaries();
  blind[1].deaths[0].spoke.clear();
  blind[1].deaths[0].reason = "silent: heartbeat";
  const auto verdict = judged(blind, all_passed());
  CHECK(verdict.decision == Decision::no_verdict);
  CHECK(verdict.cells[0].ending == Ending::passed);
  CHECK(verdict.cells[1].ending == Ending::lab_failed);
  CHECK(verdict.cells[1].reason == "the channels of debian-b are not proved: canary hang: silent: heartbeat");

  // Cells that were not run because of it are the lab's failure, not "nothing ran".
  CHECK(judged({}, {}).exit_code() == 3);

  // A crash that was seen all the same still blocks, as far as its control allows.
  auto crashed = all_passed();
  crashed[0] = ended("a", Ending::crashed);
  CHECK(judged(blind, crashed).decision == Decision::blocked);

  // Also where the channels are not proved: what spoke has spoken. And whoever interrupts is not the image's.
  crashed = all_passed();
  crashed[1] = ended("b", Ending::crashed);
  CHECK(judged(blind, crashed).decision == Decision::blocked);
  crashed[1] = ended("b", Ending::interrupted);
  CHECK(judged(blind, crashed).exit_code() == 130);
}

TEST_CASE("a control of another run supports a pass and blames nobody") {
  const auto plan = two_images();
  const outcome::ReusedFrom kept{"2026-11-20T08:00:00Z", "20261120T080000Z-sensor"};
  auto outcomes = all_passed();
  outcomes[2].kept = outcomes[3].kept = kept;
  const auto passed = verdict::judge(plan, outcomes, canaries());
  CHECK(passed.decision == Decision::passed);
  CHECK(passed.wants_rerun.empty());
  CHECK(to_json(passed, plan)["cells"][2]["kept"] ==
        Json{{"made", "2026-11-20T08:00:00Z"}, {"run", "20261120T080000Z-sensor"}});
  CHECK_FALSE(to_json(passed, plan)["cells"][0].contains("kept"));

  outcomes[0] = ended("a", Ending::crashed);
  const auto doubted = verdict::judge(plan, outcomes, canaries());
  CHECK(doubted.decision == Decision::no_verdict);
  CHECK(doubted.wants_rerun == std::vector<std::string>{"a.control"});
  CHECK(doubted.cells[0].ending == Ending::lab_failed);
  CHECK_THAT(doubted.cells[0].reason, ContainsSubstring("passed on 2026-11-20T08:00:00Z in another run"));
  CHECK(doubted.cells[1].ending == Ending::passed);

  // Run again, it may confirm the failure.
  outcomes[2].kept.reset();
  CHECK(verdict::judge(plan, outcomes, canaries()).decision == Decision::blocked);
  CHECK(verdict::judge(plan, outcomes, canaries()).wants_rerun.empty());
  // So may one that ran in another attempt of the same shard, if it passed.
  outcomes[2].kept = kept;
  for (const auto& [ending, decision] :
       {std::pair{Ending::passed, Decision::blocked}, std::pair{Ending::lab_failed, Decision::no_verdict}}) {
    outcomes[2].attempts = {{.records = "a.control.other-attempt-1", .ending = ending}};
    CHECK(verdict::judge(plan, outcomes, canaries()).decision == decision);
  }
  outcomes[2].attempts.clear();
  // What the lab failed blames nobody.
  outcomes[0] = ended("a", Ending::lab_failed);
  CHECK(verdict::judge(plan, outcomes, canaries()).wants_rerun.empty());
}

TEST_CASE("a canary proves its own machine and no other") {
  auto plan = two_images();
  for (auto& cell : plan.cells)
    if (cell.image == "debian-b") cell.machine.name = "uefi";
  auto seen = canaries();
  const auto verdict = verdict::judge(plan, all_passed(), seen);
  CHECK(verdict.decision == Decision::no_verdict);
  CHECK(verdict.cells[1].ending == Ending::lab_failed);
  CHECK_THAT(verdict.cells[1].reason, ContainsSubstring("debian-b on machine uefi are not proved"));
  seen[1].machine = "uefi";
  CHECK(verdict::judge(plan, all_passed(), seen).decision == Decision::passed);
}

TEST_CASE("a canary without a death proves nothing") {
  CHECK_FALSE(outcome::Canary{.image = "debian-a"}.proved());
  CHECK(canaries()[0].proved());
}
