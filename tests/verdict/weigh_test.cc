// Findings that end no cell: what they mean is told by all cells together.
#include "labctl/verdict/weigh.h"

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "tests/verdict/outcomes.h"

using namespace outcomes;

namespace {

outcome::Observation error(const std::string& title, crash::Kind kind = crash::Kind::error, int boot = 1) {
  crash::Finding finding;
  finding.title = title;
  finding.kind = kind;
  finding.severity = crash::Severity::warning;
  finding.line = 12;
  return {.finding = finding, .channel = event::Channel::evidence, .boot = boot, .candidate_in = true};
}
outcome::Observation service(const std::string& title, int boot = 1) {
  return error(title, crash::Kind::service, boot);
}

struct Run {
  plan::Plan plan = two_images();
  std::vector<Outcome> outcomes = all_passed();
  Outcome& a = outcomes[0];
  Outcome& b = outcomes[1];
  Outcome& a_control = outcomes[2];
  Outcome& b_control = outcomes[3];
  verdict::Verdict judge() const { return verdict::judge(plan, outcomes, canaries()); }
};

struct Row {
  const char* name;
  Decision decision;
  const char* reason;  // a piece of the first reason
  std::function<void(Run&)> change;
};

const outcome::ReusedFrom before{.made = "2026-11-20T08:00:00Z", .run = "before"};
const std::string oom = "out of memory: process killed";

const Row rows[] = {
    {"an error in a candidate's cell alone", Decision::blocked,
     "a crashed: out of memory: process killed (not in the candidate's module; it happened with the "
     "candidate loaded); no control of this run shows it",
     [](Run& run) { run.a.findings = {error(oom)}; }},
    {"an error that the control shows too", Decision::passed, "",
     [](Run& run) { run.a.findings = {error(oom)}, run.a_control.findings = {error(oom)}; }},
    {"an error that another image's control shows", Decision::passed, "",
     [](Run& run) { run.a.findings = {error(oom)}, run.b_control.findings = {error(oom)}; }},
    {"an error, and another one in the control", Decision::blocked, "out of memory",
     [](Run& run) {
       run.a.findings = {error(oom)}, run.a_control.findings = {error("file system error: ext4")};
     }},
    {"an error in the control alone", Decision::passed, "",
     [](Run& run) { run.a_control.findings = {error(oom)}; }},
    {"an error before the candidate was there", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {error(oom)};
       run.a.findings[0].candidate_in = false;
     }},
    {"an error that is known noise", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {error(oom)};
       run.a.findings[0].finding.suppressed = "known noise";
     }},
    {"an error that the control shows as noise", Decision::blocked, "out of memory",
     [](Run& run) {
       run.a.findings = {error(oom)}, run.a_control.findings = {error(oom)};
       run.a_control.findings[0].finding.suppressed = "known noise";
     }},
    {"an error that somebody accepted", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {error(oom)};
       run.plan.cells[0].accepted = {
           {.as = scenario::As::waived, .title = oom, .cells = {"a"}, .owner = "kim", .reason = "known"}};
     }},
    {"an error where the policy allows warnings", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {error(oom)};
       for (auto& cell : run.plan.cells) cell.policy.warnings_fail = false;
     }},
    {"an error beside a control of another run", Decision::no_verdict, "is not attributed to the candidate",
     [](Run& run) {
       run.a.findings = {error(oom)};
       run.a_control.kept = before;
     }},
    {"an error that only a control of another run shows", Decision::no_verdict,
     "is not attributed to the candidate",
     [](Run& run) {
       run.a.findings = {error(oom)}, run.a_control.findings = {error(oom)};
       run.a_control.kept = before;
     }},
    {"a service that failed once", Decision::passed, "",
     [](Run& run) { run.a.findings = {service("service failed: x.service")}; }},
    {"a service that failed in two boots", Decision::blocked, "service failed: x.service",
     [](Run& run) {
       run.a.findings = {service("service failed: x.service", 1), service("service failed: x.service", 2)};
     }},
    {"a service that failed in two cells", Decision::blocked, "service failed: x.service",
     [](Run& run) {
       for (auto* outcome : {&run.a, &run.b}) outcome->findings = {service("service failed: x.service")};
     }},
    {"a service that failed in two boots, and in a control", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {service("service failed: x.service", 1), service("service failed: x.service", 2)};
       run.a_control.findings = {service("service failed: x.service")};
     }},
    {"two services that failed once each", Decision::passed, "",
     [](Run& run) {
       run.a.findings = {service("service failed: x.service"), service("program crashed: y", 2)};
     }},
    {"the candidate's own service that failed once", Decision::blocked, "the candidate's]",
     [](Run& run) {
       run.plan.cells[0].guest.driver.modules = {"sensor"};
       run.a.findings = {service("service failed: sensor.service")};
       run.a.findings[0].finding.module = "sensor";
     }},
    {"a service that the scenario says is the candidate's, failed once", Decision::blocked,
     "service failed: sensord.service [the candidate's service]; no control",
     [](Run& run) {
       run.plan.cells[0].guest.driver.services = {"other.service", "sensord.service"};
       run.a.findings = {service("service failed: sensord.service")};
     }},
    {"a socket of that name is another unit", Decision::passed, "",
     [](Run& run) {
       run.plan.cells[0].guest.driver.services = {"sensord.service"};
       run.a.findings = {service("service failed: sensord.socket")};
     }},
    {"a program called as the candidate's service, crashed once", Decision::blocked,
     "program crashed: sensor-daemon-w [the candidate's service]",
     [](Run& run) {
       run.plan.cells[0].guest.driver.services = {"sensor-daemon-worker@1.service"};
       run.a.findings = {service("program crashed: sensor-daemon-w")};
     }},
    {"the candidate's service, failed in the control too", Decision::passed, "",
     [](Run& run) {
       run.plan.cells[0].guest.driver.services = {"sensord.service"};
       run.a.findings = run.a_control.findings = {service("service failed: sensord.service")};
     }},
    {"a program that crashed in two boots, where the policy allows warnings", Decision::blocked, "program",
     [](Run& run) {
       run.a.findings = {service("program crashed: y", 1), service("program crashed: y", 2)};
       for (auto& cell : run.plan.cells) cell.policy.warnings_fail = false;
     }},
    {"a line that only the candidate's cell logs", Decision::passed, "",
     [](Run& run) { run.a.logged = {"sensor: no buffers"}; }},
    {"the same where new errors fail", Decision::blocked,
     "a crashed: its kernel logged an error: 'sensor: no buffers'; no control of this run shows it",
     [](Run& run) {
       run.a.logged = {"sensor: no buffers"};
       for (auto& cell : run.plan.cells) cell.policy.new_errors_fail = true;
     }},
    {"a line that a control logs too, where new errors fail", Decision::passed, "",
     [](Run& run) {
       run.a.logged = run.b_control.logged = {"sensor: no buffers"};
       for (auto& cell : run.plan.cells) cell.policy.new_errors_fail = true;
     }},
};

}  // namespace

TEST_CASE("what ends no cell is weighed against the controls") {
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      Run run;
      row.change(run);
      const auto verdict = run.judge();
      INFO(join(verdict.reasons, "\n"));
      CHECK(verdict.decision == row.decision);
      CHECK(verdict.reasons.empty() == (row.decision == Decision::passed));
      if (!verdict.reasons.empty()) CHECK_THAT(verdict.reasons[0], ContainsSubstring(row.reason));
    }
  }
}

TEST_CASE("an error that the policy lets pass makes the result WARNED, and so does a waiver") {
  Run run;
  run.a.findings = {error(oom)};
  for (auto& cell : run.plan.cells) cell.policy.warnings_fail = false;
  const auto allowed = run.judge();
  CHECK(allowed.warned());
  REQUIRE(allowed.weaker.size() == 1);
  CHECK(allowed.weaker[0].title == oom);
}

TEST_CASE("a control of another run that has not seen the error is to be run again") {
  Run run;
  run.a.findings = {error(oom)};
  run.a_control.kept = before;
  CHECK(run.judge().wants_rerun == std::vector<std::string>{"a.control"});
}

TEST_CASE("what the drive says of the CD that labctl changes is not new with the candidate") {
  Run run;
  run.a.logged = {"I/O error, dev sr0, sector NUM op ADDR:(READ) flags ADDR phys_seg NUM prio class NUM",
                  "Buffer I/O error on dev sr0, logical block NUM, async page read",
                  "sr 1:0:0:0: [sr0] tag#NUM FAILED Result: hostbyte=DID_OK",
                  "I/O error, dev vda, sector NUM op ADDR:(READ) flags ADDR phys_seg NUM prio class NUM"};
  for (auto& cell : run.plan.cells) cell.policy.new_errors_fail = true;
  const auto verdict = run.judge();
  REQUIRE(verdict.new_errors.size() == 1);
  CHECK(verdict.new_errors[0].title == run.a.logged[3]);
  run.a.logged.pop_back();
  CHECK(run.judge().decision == verdict::Decision::passed);
}

TEST_CASE("new errors are those of no control, each once with its cells") {
  Run run;
  run.a.logged = {"first", "second", "known"};
  run.b.logged = {"third", "second"};
  run.b_control.logged = {"known", "of the control alone"};
  run.b_control.kept = before;
  const auto verdict = run.judge();
  REQUIRE(verdict.new_errors.size() == 3);
  CHECK(verdict.new_errors[0].title == "first");
  CHECK(verdict.new_errors[1].title == "second");
  CHECK(verdict.new_errors[1].cells == std::vector<std::string>{"a", "b"});
  CHECK(verdict.new_errors[2].title == "third");
  const Json json = verdict::to_json(verdict, run.plan);
  REQUIRE(json.contains("new_errors"));
  CHECK(json["new_errors"].size() == 3);
  CHECK_FALSE(
      verdict::to_json(verdict::judge(run.plan, all_passed(), canaries()), run.plan).contains("new_errors"));
}
