// The questions that a reviewer asks about every gate. Each speaks of the cells with a candidate: controls
// follow them.
#include <fmt/core.h>

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

// What is written already is not advised again.
std::string advise(const std::vector<scenario::Artifact>& artifacts, const std::string& kind,
                   const std::string& other) {
  const auto written = std::find_if(artifacts.begin(), artifacts.end(),
                                    [](const auto& artifact) { return artifact.label != "candidate"; });
  const std::string label = written == artifacts.end() ? other : written->label;
  return fmt::format("{}matrix.{}: [candidate, {}]",
                     written == artifacts.end() ? fmt::format("add candidate.{}.{} and ", kind, other)
                                                : std::string("write "),
                     kind, label);
}

void ask_about_comparison(const std::vector<Cell>& cells, const scenario::Scenario& scenario,
                          std::vector<std::string>& questions) {
  if (values(cells, &Cell::driver).size() == 1)
    questions.push_back(
        fmt::format("no previous driver: a crash that the last release has too would look new; {}",
                    advise(scenario.drivers, "driver", "previous")));
  if (scenario.contents.empty())
    questions.emplace_back(
        "no content: if the driver reads content, the pair is what customers run; add candidate.content");
  else if (values(cells, &Cell::content).size() == 1)
    questions.push_back(fmt::format(
        "only one content: it could not be decided whether the driver or the content is at fault; {}",
        advise(scenario.contents, "content", "current")));
}

// A comparison of a file with itself shows nothing. It is not refused: no pass rests on a comparison (each
// candidate is proved in cells of its own), a gate that is being set up often has only one file, and one file
// under two names could not be refused anyway, because only the text is read here.
void ask_about_same_files(const std::vector<scenario::Artifact>& artifacts, const std::string& kind,
                          std::vector<std::string>& questions) {
  for (const auto& artifact : artifacts)
    for (const auto& before : artifacts) {
      if (&before == &artifact) break;
      if (before.path != artifact.path || before.damage != artifact.damage ||
          before.damaged_file != artifact.damaged_file)
        continue;
      questions.push_back(
          fmt::format("candidate.{}.{} in line {} is the same file as {}: nothing is compared between them; "
                      "name another file",
                      kind, artifact.label, artifact.mark.line, before.label));
      break;
    }
}

void ask_about_candidates(const std::vector<Cell>& cells, const std::vector<scenario::Artifact>& artifacts,
                          const std::string& kind, std::string Cell::*own,
                          std::vector<Cell::Extra> Cell::*extras, std::vector<std::string>& questions) {
  const bool given = std::any_of(artifacts.begin(), artifacts.end(),
                                 [](const auto& artifact) { return artifact.label == "candidate"; });
  const bool used = std::any_of(cells.begin(), cells.end(), [&](const Cell& cell) {
    return cell.*own == "candidate" ||
           std::any_of((cell.*extras).begin(), (cell.*extras).end(),
                       [](const auto& extra) { return extra.label == "candidate"; });
  });
  if (given && !used)
    questions.push_back(fmt::format(
        "candidate.{}.candidate is in no cell, so it is not tested; name it in matrix.{}", kind, kind));
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
    return some.size() == cells.size() ? std::string() : fmt::format(" in {}", join_some(some));
  };
  if (!idle.empty())
    questions.push_back(
        fmt::format("nothing exercises the driver{}: a driver that is loaded and never used proves little; "
                    "add guest.{}.exercise",
                    which(idle), to_string(cells.front().guest.os)));
  if (!unused.empty())
    questions.push_back(
        fmt::format("boots without use{}: a driver that fails only when it is used after a boot would pass; "
                    "write exercise after each reboot",
                    which(unused)));
  if (!once.empty())
    questions.push_back(fmt::format(
        "only one boot{}: a crash in every second boot would pass half the time; write reboot x3 or more",
        which(once)));
}

// With an 'apply' the cell itself asks such a proof before it; without one nothing tells the two apart.
void ask_about_proofs(const scenario::Scenario& scenario, std::vector<std::string>& questions) {
  if (!scenario.guest || !scenario.guest->content || !scenario.guest->content->apply.empty()) return;
  for (const scenario::Proof& proof : scenario.guest->proof)
    if (scenario::names_file(proof, *scenario.guest->content))
      questions.push_back(
          fmt::format("the proof '{}' names the content's file: one that looks at the file alone does not "
                      "show that the driver uses it; ask the driver, or add content.apply",
                      printable(proof.run, 60)));
}

void ask_about_machines(const std::vector<Cell>& cells, const scenario::Scenario& scenario,
                        std::vector<std::string>& questions) {
  if (!std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.machine.vcpus == 1; }))
    return;
  const auto written = std::find_if(scenario.machines.begin(), scenario.machines.end(),
                                    [](const auto& machine) { return machine.vcpus > 1; });
  questions.push_back(fmt::format(
      "no second vCPU: no race between two processors can be met; {} (under TCG they take turns, and KVM "
      "meets more races)",
      written == scenario.machines.end() ? "add a machine with vcpus: 2"
                                         : fmt::format("name machine {} in matrix.machine", written->name)));
}

void ask_about_excludes(const scenario::Scenario& scenario, std::vector<std::string>& questions) {
  for (const Excluded& entry : excluded(scenario)) {
    if (!entry.cells.empty()) continue;
    questions.push_back(
        fmt::format("matrix.exclude in line {} takes nothing away: an earlier one did already, or an include "
                    "brings it back",
                    entry.mark.line));
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
  ask_about_proofs(scenario, questions);
  ask_about_same_files(scenario.drivers, "driver", questions);
  ask_about_same_files(scenario.contents, "content", questions);
  ask_about_candidates(cells, scenario.drivers, "driver", &Cell::driver, &Cell::extra_drivers, questions);
  ask_about_candidates(cells, scenario.contents, "content", &Cell::content, &Cell::extra_contents, questions);
  ask_about_machines(cells, scenario, questions);
  return questions;
}

}  // namespace labctl::plan
