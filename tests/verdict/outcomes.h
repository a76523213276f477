// Small plans and the outcomes of their cells.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "labctl/verdict/verdict.h"
#include "tests/catch.h"
#include "tests/source_tree.h"

namespace outcomes {

using namespace labctl;
using outcome::Ending;
using outcome::Outcome;
using verdict::Decision;

inline plan::Cell cell(const std::string& id, const std::string& image, bool control = false) {
  plan::Cell cell;
  cell.id = id;
  cell.control = control;
  cell.image = image;
  cell.axes = {{"image", image}};
  cell.story.assign(3, {.kind = scenario::StepKind::reboot});
  if (control) return cell;
  cell.axes.insert(cell.axes.end(), {{"driver", "candidate"}, {"content", "candidate"}});
  cell.driver = cell.content = "candidate";
  cell.guest.content = scenario::Content{};
  cell.story.insert(cell.story.begin(),
                    {{.kind = scenario::StepKind::install}, {.kind = scenario::StepKind::apply}});
  return cell;
}

inline plan::Plan two_images() {
  plan::Plan plan;
  plan.scenario = "sensor-release";
  plan.cells = {cell("a", "debian-a"), cell("b", "debian-b"), cell("a.control", "debian-a", true),
                cell("b.control", "debian-b", true)};
  return plan;
}

inline Outcome ended(const std::string& id, Ending ending, const std::string& reason = "because") {
  Outcome outcome{.cell = id, .ending = ending, .reason = reason, .boots_wanted = 3, .boots_proved = 1};
  if (ending == Ending::passed) outcome.reason.clear(), outcome.boots_proved = 3;
  return outcome;
}

inline std::vector<Outcome> all_passed() {
  std::vector<Outcome> outcomes;
  for (const char* id : {"a", "b", "a.control", "b.control"}) outcomes.push_back(ended(id, Ending::passed));
  return outcomes;
}

inline std::vector<outcome::Canary> canaries() {
  std::vector<outcome::Canary> all;
  for (const char* image : {"debian-a", "debian-b"})
    all.push_back(
        {.image = image,
         .made = "2026-11-20T08:00:00Z",
         .deaths = {
             {.crash = "hang", .due = {event::Channel::heartbeat}, .spoke = {event::Channel::heartbeat}}}});
  return all;
}

inline outcome::Observation seen(crash::Severity severity) {
  outcome::Observation seen;
  seen.finding.title = "BUG: unable to handle page fault in sensor_match";
  seen.finding.kind = crash::Kind::oops;
  seen.finding.severity = severity;
  seen.finding.module = "sensor";
  seen.finding.offset = 4711;
  seen.finding.line = 42;
  seen.channel = event::Channel::console;
  seen.boot = 1;
  return seen;
}

inline void same_as_golden(const std::string& file, const std::string& now) {
  const std::string path = source_tree::tests() / "verdict" / file;
  if (std::getenv("LABCTL_WRITE_GOLDEN")) std::ofstream(path) << now;
  std::ostringstream then;
  then << std::ifstream(path).rdbuf();
  INFO("LABCTL_WRITE_GOLDEN=1 writes " << path);
  CHECK(now == then.str());
}

}  // namespace outcomes
