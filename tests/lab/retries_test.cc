// What is tried again, what never is, and that every attempt is told.
#include <atomic>

#include "labctl/bundle/reports.h"
#include "labctl/report/report.h"
#include "tests/lab/fake_run.h"

using namespace labctl;
using test::Lab;
using test::oops;

TEST_CASE("a lost hypervisor is the lab's failure, tried again once and never passed") {
  Lab lab;
  lab.candidate().at_boot = [](int, const machine::Sink& sink) { sink(machine::Lost{"killed by signal 9"}); };
  auto judged = lab.run();
  const auto& outcome = lab.outcome(judged, "box.candidate");
  CHECK(outcome.ending == outcome::Ending::lab_failed);
  CHECK(judged.verdict.exit_code() == 3);
  CHECK(lab.host.created == 3);  // the control once, the candidate twice
  CHECK(fs::exists(lab.root / "bundle/cells/box.candidate.lab-failed-1/events.jsonl"));
}

TEST_CASE("every attempt of a cell stands in the verdict and in each report") {
  Lab lab;
  std::atomic<int> times = 0;
  lab.candidate().at_boot = [&](int, const machine::Sink& sink) {
    if (++times == 1) sink(machine::Lost{"its disk is full"});
  };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::passed);
  const auto& attempts = lab.outcome(judged, "box.candidate").attempts;
  REQUIRE(attempts.size() == 1);
  CHECK(attempts[0].records == "box.candidate.lab-failed-1");
  CHECK(attempts[0].ending == outcome::Ending::lab_failed);
  CHECK_FALSE(attempts[0].journal.sha256.empty());
  CHECK(lab.outcome(judged, "box.control").attempts.empty());
  const auto record = bundle::read_record(lab.root / "bundle", judged, {});
  for (const std::string& text : {judged.verdict_json, report::summary(judged.verdict, judged.run.plan, {}),
                                  report::markdown(record), report::junit(record), report::html(record)}) {
    CHECK_THAT(text, ContainsSubstring("box.candidate.lab-failed-1"));
    CHECK_THAT(text, ContainsSubstring("its disk is full"));
  }
  // One that was cut off, and of which no record was finished.
  REQUIRE(make_dirs(lab.root / "bundle/cells/box.control.cut-off-1"));
  REQUIRE(write_file(lab.root / "bundle/cells/box.control.cut-off-1/events.jsonl", "{\"at\":0"));
  const auto again = bundle::judge_bundle(lab.root / "bundle").value();
  REQUIRE(lab.outcome(again, "box.control").attempts.size() == 1);
  CHECK_THAT(lab.outcome(again, "box.control").attempts[0].reason, ContainsSubstring("no journal"));
}

TEST_CASE("a guest's failure that was put aside is not outlived") {
  Lab lab;
  lab.candidate().at_boot = [](int, const machine::Sink& sink) { sink(machine::ConsoleBytes{oops}); };
  CHECK(lab.run().verdict.decision == verdict::Decision::blocked);
  const fs::path folder = lab.root / "bundle/cells/box.candidate";
  fs::rename(folder, folder.string() + ".lab-failed-1");
  fs::remove_all(lab.root / "bundle/cells/box.control");
  lab.candidate().at_boot = [](int, const machine::Sink&) {};
  auto judged = lab.run();
  const auto& outcome = lab.outcome(judged, "box.candidate");
  CHECK(outcome.ending == outcome::Ending::crashed);
  CHECK_THAT(outcome.reason, ContainsSubstring("an earlier attempt (box.candidate.lab-failed-1) ended so"));
  CHECK(judged.verdict.decision == verdict::Decision::blocked);
}

TEST_CASE("a hypervisor that dies or stops with the candidate in it is final") {
  for (const auto cause : {machine::Cause::died, machine::Cause::stopped}) {
    Lab lab;
    std::atomic<int> times = 0;
    lab.candidate().at_boot = [&](int, const machine::Sink& sink) {
      if (++times == 1) sink(machine::Lost{"it is gone", cause});
    };
    auto judged = lab.run();
    const auto& outcome = lab.outcome(judged, "box.candidate");
    CHECK(outcome.ending == outcome::Ending::crashed);
    CHECK_THAT(outcome.reason, ContainsSubstring("it is gone (the candidate was in the guest)"));
    CHECK(judged.verdict.decision == verdict::Decision::blocked);
    CHECK(lab.host.created == 2);
  }
}

TEST_CASE("a hypervisor that the host killed for want of memory is the lab's failure") {
  Lab lab;
  std::atomic<std::uint64_t> kills = 4;
  lab.kills_for_memory = [&] { return kills.load(); };
  std::atomic<int> times = 0;
  lab.candidate().at_boot = [&](int, const machine::Sink& sink) {
    if (++times != 1) return;
    ++kills;
    sink(machine::Lost{"it is gone", machine::Cause::died});
  };
  auto judged = lab.run();
  CHECK(judged.verdict.decision == verdict::Decision::passed);
  CHECK(lab.host.created == 3);
}

TEST_CASE("a hypervisor that dies under the control is the lab's failure") {
  Lab lab;
  std::atomic<int> times = 0;
  lab.control().at_boot = [&](int, const machine::Sink& sink) {
    if (++times == 1) sink(machine::Lost{"it is gone", machine::Cause::died});
  };
  CHECK(lab.run().verdict.decision == verdict::Decision::passed);
  CHECK(lab.host.created == 3);
}

TEST_CASE("a lab failure that does not come back is forgiven, a crash never") {
  Lab lab;
  std::atomic<int> times = 0;
  lab.host.script_for = [&](const machine::Spec& spec) {
    auto script = lab.host.scripts[spec.name];
    if (spec.name == "labctl-box.candidate" && ++times == 1)
      script.start_result = lab_error("no such machine");
    return script;
  };
  CHECK(lab.run().verdict.decision == verdict::Decision::passed);

  Lab other;
  std::atomic<int> boots = 0;
  other.candidate().at_boot = [&](int, const machine::Sink& sink) {
    if (++boots == 1) sink(machine::ConsoleBytes{oops});
  };
  CHECK(other.run().verdict.decision == verdict::Decision::blocked);
  CHECK(other.host.created == 2);
}
