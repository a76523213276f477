// What happened, for people: the story in its order, the console with its numbers, and nothing lost.

#include "labctl/report/show.h"

#include "labctl/base/columns.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

report::Record crashed() {
  report::Record record{.bundle = "20261122T003338Z-story", .run = {}, .verdict = {}};
  plan::Cell cell;
  cell.id = "box.driver-candidate";
  cell.image = "box";
  cell.driver = "candidate";
  cell.driver_path = "sensor.deb";
  record.run.plan.scenario = "story";
  record.run.plan.cells = {cell};
  record.run.scenario.file = "story.yaml";
  outcome::Outcome outcome{.cell = cell.id,
                           .ending = outcome::Ending::crashed,
                           .reason = "BUG in sensor_match",
                           .step = "boot 2/3: settle",
                           .boots_wanted = 3,
                           .boots_proved = 1,
                           .took = 90s};
  outcome.findings.push_back(
      {.finding = {.title = "BUG in sensor_match", .kind = crash::Kind::bug, .line = 42}, .boot = 2});
  record.verdict.cells = {outcome};
  record.verdict.decision = verdict::Decision::blocked;
  report::CellRecord kept;
  kept.timeline.steps = {{.step = {"install driver"}, .from = 0s, .to = 10s},
                         {.step = {"boot 1/3"}, .from = 10s, .to = 40s}};
  kept.timeline.lives = {{.number = 0, .from = 0s, .to = 12s, .up = 0s},
                         {.number = 1, .from = 12s, .to = 90s}};
  kept.timeline.marks = {{report::Mark::Kind::reset, 12s, "reset"},
                         {report::Mark::Kind::finding, 60s, "BUG in sensor_match (console)"}};
  kept.timeline.end = 90s;
  record.cells = {kept};
  return record;
}

}  // namespace

TEST_CASE("a cell is told in its order, with the console around the finding") {
  report::Consoles consoles;
  consoles.around[0] = {.first_line = 41, .lines = {"before", "BUG: here", "after"}, .problem = {}};
  const std::string text = report::show_cell(crashed(), 0, consoles, 100);
  std::size_t at = 0;
  for (const std::string part :
       {"box.driver-candidate\ncrashed, 1 of 3 boots proved, 1m30s\n",
        "at boot 2/3: settle: BUG in sensor_match", "driver   sensor.deb", "install driver (10s)", "- reset",
        "! BUG in sensor_match (console)", "the end", "from the snapshot",
        "boot 1             never answered", "1. BUG in sensor_match", "         41  before\n",
        "  >      42  BUG: here\n", "         43  after\n", "labctl run 'story.yaml' --only"}) {
    const auto found = text.find(part, at);
    INFO(part << " in\n" << text);
    CHECK(found != text.npos);
    at = found == text.npos ? at : found;
  }
}

TEST_CASE("what cannot be read is said, and what was kept of it is shown") {
  auto record = crashed();
  record.verdict.cells[0].findings[0].finding.excerpt = "BUG: kept line\n";
  report::Consoles consoles;
  consoles.around[0].problem = "console.log: cannot be read";
  const std::string text = report::show_cell(record, 0, consoles, 80);
  CHECK_THAT(text,
             ContainsSubstring("console.log: cannot be read; this was kept of it:\n    BUG: kept line\n"));
}

TEST_CASE("a console's lines do nothing, and the story is as wide as the page") {
  auto record = crashed();
  record.verdict.cells[0].reason = std::string(300, 'x');
  report::Consoles consoles;
  consoles.end = report::Console{.first_line = 0, .lines = {"\x1b[2J\x1b]0;title\x07 red"}, .problem = {}};
  const std::string text = report::show_cell(record, 0, consoles, 80);
  CHECK_THAT(text, !ContainsSubstring("\x1b"));
  for (const auto& line : split(text, '\n')) CHECK(columns(line) <= 80);
}

TEST_CASE("programs are told the same") {
  report::Consoles consoles;
  consoles.around[0] = {.first_line = 41, .lines = {"before", "BUG: here"}, .problem = {}};
  const Json json = report::show_json(crashed(), {0}, {{0, consoles}});
  CHECK(json["verdict"] == "blocked");
  CHECK(json["cells"][0]["steps"][1]["to_ms"] == 40000);
  CHECK(json["cells"][0]["boots"][1]["up_ms"].is_null());
  CHECK(json["cells"][0]["findings"][0]["console"]["lines"][1] == "BUG: here");
}
