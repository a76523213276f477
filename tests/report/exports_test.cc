// What goes to other tools: places as SARIF has them, and annotations that no guest can write.

#include "labctl/report/exports.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;
using outcome::Ending;

namespace {

// Cells that crashed, each with a finding of its own title.
report::Record crashed(const std::vector<std::string>& titles) {
  report::Record record;
  record.verdict.decision = verdict::Decision::blocked;
  for (const auto& title : titles) {
    const std::string id = "cell-" + std::to_string(record.verdict.cells.size());
    plan::Cell cell;
    cell.id = id;
    record.run.plan.cells.push_back(cell);
    outcome::Outcome outcome{.cell = id, .ending = Ending::crashed, .reason = title};
    outcome::Observation seen;
    seen.finding.title = title;
    seen.finding.kind = crash::Kind::oops;
    seen.finding.severity = crash::Severity::fatal;
    outcome.findings.push_back(seen);
    record.verdict.cells.push_back(outcome);
    record.cells.emplace_back();
  }
  return record;
}

Json results(const report::Record& record) {
  return Json::parse(report::sarif(record)).at("runs").at(0).at("results");
}

}  // namespace

TEST_CASE("SARIF has the problems whose place in the source is known") {
  auto record = crashed({"BUG in a", "BUG in b", "BUG in a"});
  CHECK(results(record).empty());
  record.cells[0].places[0] = {"memcpy+0x1/0x9",
                               "sensor_match+0x1c/0x40 [sensor]: sensor_match at driver/my sensor.c:255",
                               "sensor_replay+0x5a/0x90 [sensor]: sensor_replay at driver/sensor.c:90"};
  record.cells[2].places[0] = record.cells[0].places[0];
  const Json found = results(record);
  REQUIRE(found.size() == 1);  // one problem, however many cells show it
  const Json& place = found[0].at("locations").at(0).at("physicalLocation");
  CHECK(place.at("artifactLocation").at("uri") == "driver/my%20sensor.c");
  CHECK(place.at("region").at("startLine") == 255);
  CHECK(found[0].at("ruleId") == "oops");
  CHECK(found[0].at("level") == "error");
  CHECK(found[0].at("stacks").at(0).at("frames").size() == 2);
  for (const char* nowhere : {"x at driver/sensor.c", "x at driver/sensor.c:", "x at :7", "at a:7",
                              "x at a.c:0", "x at a.c:-7", ""}) {
    INFO(nowhere);
    record.cells[0].places[0] = record.cells[2].places[0] = {nowhere};
    CHECK(results(record).empty());
  }
}

TEST_CASE("annotations are ten of a kind, and no guest writes one of its own") {
  std::vector<std::string> titles;
  for (int i = 0; i < 30; ++i) titles.push_back("BUG number " + std::to_string(i));
  const std::string many = report::github(crashed(titles));
  int commands = 0;
  for (const auto& line : split(many, '\n')) commands += line.starts_with("::error");
  CHECK(commands == 10);
  CHECK_THAT(many, ContainsSubstring("21 annotations more"));

  const std::string hostile = report::github(
      crashed({"a\n::set-env name=X::y\r::error::z", "##[error]a ##vso[task.x]", "50% off: a,b"}));
  for (const auto& line : split(hostile, '\n')) {
    INFO(line);
    CHECK((line.empty() || line.starts_with("::error title=")));
    CHECK(line.find("##") == std::string::npos);
  }
  CHECK_THAT(hostile, ContainsSubstring("title=50%25 off%3A a%2Cb::"));
}

TEST_CASE("CTRF is red whenever the verdict is not passed") {
  report::Record record;
  record.verdict.decision = verdict::Decision::no_verdict;
  const Json report = Json::parse(report::ctrf(record));
  CHECK(report.at("results").at("summary").at("failed") == 1);
  CHECK(report.at("results").at("tests").at(0).at("name") == "the verdict");
  record.verdict.decision = verdict::Decision::passed;
  CHECK(Json::parse(report::ctrf(record)).at("results").at("tests").empty());
}

TEST_CASE("KCIDB is told of a lab that failed and of what did not run by codes of their own") {
  auto record = crashed({"BUG in a", "BUG in b", "BUG in c", "BUG in d", "BUG in e"});
  record.bundle = "20261122T003338Z-x";
  auto& cells = record.verdict.cells;
  cells[1].ending = Ending::lab_failed;
  cells[2].ending = Ending::not_run;
  record.run.plan.cells[3].control = true;
  cells[4].expected = true;
  const auto statuses = [&] {
    std::vector<std::string> all;
    const Json sent = Json::parse(report::kcidb(record));
    for (const auto& test : sent.at("tests")) all.push_back(test.at("status"));
    return all;
  };
  CHECK(statuses() == std::vector<std::string>{"FAIL", "FAIL", "ERROR", "MISS", "ERROR", "PASS"});
  record.verdict.decision = verdict::Decision::no_verdict;
  CHECK(statuses()[0] == "ERROR");
  record.verdict.nothing_ran = true;
  CHECK(statuses()[0] == "MISS");
  record.verdict.decision = verdict::Decision::passed;
  CHECK(statuses()[0] == "PASS");

  record.run.plan.scenario = "..my gate: a/b.";
  record.run.plan.cells[0].id = "debian.driver-a..x";
  const Json sent = Json::parse(report::kcidb(record));
  CHECK(sent.at("tests").at(0).at("path") == "labctl.__my_gate__a_b_");
  CHECK(sent.at("tests").at(1).at("path") == "labctl.__my_gate__a_b_.debian.driver-a._x");
}

TEST_CASE("a trace has the run, its cells and their steps, in the order in which they were") {
  auto record = crashed({"BUG in a", "BUG in b"});
  record.run.began = "2026-11-22T00:33:38Z";
  record.run.ended = "2026-11-22T00:34:38Z";
  record.run.plan.scenario = "x";
  record.verdict.cells[0].took = Millis(5000);
  record.verdict.cells[1].ending = Ending::not_run;
  record.cells[0].timeline.steps = {{outcome::StepId("boot 1/1"), Millis(1000), Millis(4000)}};
  record.cells[0].timeline.marks = {{report::Mark::Kind::reset, Millis(1500), "reset\x1b[1m"}};
  const Json spans =
      Json::parse(report::otlp(record)).at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans");
  REQUIRE(spans.size() == 3);  // what did not run took no time
  CHECK(spans[0].at("startTimeUnixNano") == "1795307618000000000");
  CHECK(spans[0].at("endTimeUnixNano") == "1795307678000000000");
  CHECK(spans[0].at("status").at("code") == 2);
  CHECK(spans[1].at("name") == "cell-0");
  CHECK(spans[1].at("parentSpanId") == spans[0].at("spanId"));
  CHECK(spans[1].at("endTimeUnixNano") == "1795307623000000000");
  CHECK(spans[1].at("events").at(0).at("timeUnixNano") == "1795307619500000000");
  CHECK(spans[1].dump().find("\\u001b") == std::string::npos);
  CHECK(spans[2].at("name") == "boot 1/1");
  CHECK(spans[2].at("parentSpanId") == spans[1].at("spanId"));
  CHECK(spans[2].at("startTimeUnixNano") == "1795307619000000000");
}
