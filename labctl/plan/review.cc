// The questions that a reviewer asks about every gate. Each speaks of the cells with a candidate: controls
// follow them.
#include <algorithm>
#include <set>

#include "labctl/base/text.h"
#include "labctl/plan/plan.h"

namespace labctl::plan {
namespace {

using scenario::StepKind;

bool has_step(const Cell& cell, StepKind kind) {
  return std::any_of(cell.story.begin(), cell.story.end(),
                     [&](const auto& step) { return step.kind == kind; });
}

// Boots with a driver in the guest that nothing uses before the next boot, or the end.
int idle_boots(const Cell& cell) {
  int idle = 0;
  bool driver = false, waits = false;  // waits: the last boot has not been followed by a use yet
  for (const auto& step : cell.story) {
    if (step.kind == StepKind::install) driver = true;
    if (step.kind == StepKind::remove) driver = false;
    if (step.kind == StepKind::exercise || step.kind == StepKind::run) waits = false;
    if (!scenario::boots(step.kind)) continue;
    idle += waits;
    waits = driver;
  }
  return idle + waits;
}

std::set<std::string> values(const std::vector<Cell>& cells, std::string Cell::*own) {
  std::set<std::string> all;
  for (const Cell& cell : cells) all.insert(cell.*own);
  return all;
}

void ask_about_comparison(const std::vector<Cell>& cells, const scenario::Scenario& scenario,
                          std::vector<std::string>& questions) {
  if (values(cells, &Cell::driver).size() == 1)
    questions.emplace_back(
        "no previous driver: a crash that the last release has too would look new; add "
        "candidate.driver.previous and matrix.driver: [candidate, previous]");
  if (scenario.contents.empty())
    questions.emplace_back(
        "no content: if the driver reads content, the pair is what customers run; add candidate.content");
  else if (values(cells, &Cell::content).size() == 1)
    questions.emplace_back(
        "only one content: whether the driver or the content is to blame could not be told; add "
        "candidate.content.current and matrix.content: [candidate, current]");
}

void ask_about_cells(const std::vector<Cell>& cells, std::vector<std::string>& questions) {
  std::vector<std::string> idle, once, unused;
  for (const Cell& cell : cells) {
    if (!has_step(cell, StepKind::exercise) && !has_step(cell, StepKind::run))
      idle.push_back(cell.id);
    else if (idle_boots(cell) > 0)
      unused.push_back(cell.id);
    if (cell.boots_wanted() == 1) once.push_back(cell.id);
  }
  const auto which = [&](const std::vector<std::string>& some) {
    return some.size() == cells.size() ? std::string() : " in " + join_some(some);
  };
  if (!idle.empty())
    questions.push_back("nothing exercises the driver" + which(idle) +
                        ": a driver that is loaded and never used proves little; add guest." +
                        std::string(scenario::to_string(cells.front().guest.os)) + ".exercise");
  if (!unused.empty())
    questions.push_back("boots without use" + which(unused) +
                        ": a driver that fails only when it is used after a boot would pass; write exercise "
                        "after each reboot");
  if (!once.empty())
    questions.push_back("only one boot" + which(once) +
                        ": a crash in every second boot would pass half the time; write reboot x3 or more");
}

void ask_about_machines(const std::vector<Cell>& cells, std::vector<std::string>& questions) {
  if (std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.machine.vcpus == 1; }))
    questions.emplace_back(
        "no second vCPU: no race between two processors can be met; add a machine with vcpus: 2 (under "
        "TCG they take turns, and KVM meets more races)");
}

void ask_about_excludes(const scenario::Scenario& scenario, std::vector<std::string>& questions) {
  for (const Excluded& entry : excluded(scenario)) {
    if (!entry.cells.empty()) continue;
    questions.push_back("matrix.exclude in line " + std::to_string(entry.mark.line) +
                        " takes nothing away: an earlier one did already, or an include brings it back");
  }
}

}  // namespace

std::vector<std::string> review(const scenario::Scenario& scenario, const Plan& plan) {
  std::vector<Cell> cells;
  std::copy_if(plan.cells.begin(), plan.cells.end(), std::back_inserter(cells),
               [](const Cell& cell) { return !cell.control; });
  std::vector<std::string> questions;
  ask_about_excludes(scenario, questions);
  ask_about_comparison(cells, scenario, questions);
  ask_about_cells(cells, questions);
  ask_about_machines(cells, questions);
  return questions;
}

}  // namespace labctl::plan
