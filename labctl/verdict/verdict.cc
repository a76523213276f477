#include "labctl/verdict/verdict.h"

#include <algorithm>

#include "labctl/verdict/analysis.h"

namespace labctl::verdict {

bool guests_fault(Ending ending) { return ending <= Ending::not_loaded; }

const char* to_string(Ending ending) {
  switch (ending) {
    case Ending::crashed:
      return "crashed";
    case Ending::recovery:
      return "recovery";
    case Ending::hung:
      return "hung";
    case Ending::altered:
      return "altered";
    case Ending::not_loaded:
      return "not-loaded";
    case Ending::lab_failed:
      return "lab-failed";
    case Ending::interrupted:
      return "interrupted";
    case Ending::not_run:
      return "not-run";
    case Ending::passed:
      return "passed";
  }
  return "?";
}

const char* to_string(Decision decision) {
  switch (decision) {
    case Decision::passed:
      return "passed";
    case Decision::blocked:
      return "blocked";
    case Decision::no_verdict:
      return "no-verdict";
  }
  return "?";
}

int Verdict::exit_code() const {
  if (interrupted) return 130;
  if (nothing_ran) return 4;
  switch (decision) {
    case Decision::passed:
      return 0;
    case Decision::blocked:
      return 1;
    case Decision::no_verdict:
      return 3;
  }
  return 3;
}

namespace {

// The cell's own outcome, or a not-run one; two outcomes for one cell are a lab fault.
Outcome outcome_of(const plan::Cell& cell, const std::vector<Outcome>& outcomes) {
  Outcome found{.cell = cell.id, .ending = Ending::not_run, .reason = "it was never started"};
  int times = 0;
  for (const Outcome& outcome : outcomes)
    if (outcome.cell == cell.id) {
      found = outcome;
      ++times;
    }
  found.boots_wanted = cell.boots_wanted();
  if (times > 1) {
    found.ending = Ending::lab_failed;
    found.reason = "it has more than one outcome";
  }
  // What an outcome claims is checked against what it can show.
  const auto counts = [&](const Seen& seen) {
    return seen.finding.suppressed.empty() &&
           (seen.finding.severity == crash::Severity::fatal || cell.policy.warnings_fail);
  };
  if (found.ending == Ending::passed && std::any_of(found.findings.begin(), found.findings.end(), counts)) {
    found.ending = Ending::lab_failed;
    found.reason = "it claims to have passed with a fatal finding";
  }
  if (found.ending == Ending::passed &&
      (found.boots_wanted == 0 || found.boots_proved != found.boots_wanted)) {
    found.ending = Ending::lab_failed;
    found.reason = std::to_string(found.boots_proved) + " of " + std::to_string(found.boots_wanted) +
                   " boots proved is not a pass";
  }
  return found;
}

bool same_ground(const plan::Cell& a, const plan::Cell& b) {
  return a.image == b.image && a.machine.vcpus == b.machine.vcpus && a.machine.memory == b.machine.memory;
}

// A candidate is neither passed nor blamed on an image whose control did not pass; if it has several, each
// must.
void apply_control(const plan::Plan& plan, const plan::Cell& cell, Outcome& outcome,
                   const std::vector<Outcome>& all) {
  bool has_control = false;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const plan::Cell& control = plan.cells[i];
    if (!control.control || !same_ground(control, cell)) continue;
    has_control = true;
    if (all[i].ending == Ending::passed) continue;
    if (outcome.ending == Ending::interrupted || outcome.ending == Ending::not_run) return;
    outcome.reason = std::string("the control without the candidate ended ") + to_string(all[i].ending) +
                     (all[i].reason.empty() ? "" : " (" + all[i].reason + ")") +
                     ", so the lab cannot be trusted on this image; the cell itself ended " +
                     to_string(outcome.ending) + (outcome.reason.empty() ? "" : " (" + outcome.reason + ")");
    outcome.ending = Ending::lab_failed;
    return;
  }
  if (has_control) return;
  outcome.reason = "the plan has no control for this image";
  outcome.ending = Ending::lab_failed;
}

Json rate(std::optional<double> excluded) { return excluded ? Json(*excluded) : Json(); }

}  // namespace

Verdict judge(const plan::Plan& plan, const std::vector<Outcome>& outcomes,
              const std::vector<std::string>& run_faults) {
  Verdict verdict;
  for (const plan::Cell& cell : plan.cells) verdict.cells.push_back(outcome_of(cell, outcomes));
  const std::vector<Outcome> own = verdict.cells;
  std::size_t candidates = 0, passed = 0, blamed = 0;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    if (plan.cells[i].control) continue;
    Outcome& outcome = verdict.cells[i];
    apply_control(plan, plan.cells[i], outcome, own);
    ++candidates;
    passed += outcome.ending == Ending::passed;
    blamed += guests_fault(outcome.ending);
    if (outcome.ending != Ending::passed)
      verdict.reasons.push_back(outcome.cell + " " + to_string(outcome.ending) + ": " + outcome.reason);
  }
  for (const Outcome& outcome : outcomes)
    if (std::none_of(plan.cells.begin(), plan.cells.end(),
                     [&](const auto& c) { return c.id == outcome.cell; }))
      verdict.reasons.push_back("there is an outcome for '" + outcome.cell + "', which is not in the plan");
  for (const plan::Cell& cell : plan.cells)
    if (std::count_if(plan.cells.begin(), plan.cells.end(), [&](const auto& c) { return c.id == cell.id; }) >
        1) {
      verdict.reasons.push_back("the plan has more than one cell called '" + cell.id + "'");
      break;
    }
  if (!plan.left_out.empty())
    verdict.reasons.push_back(std::to_string(plan.left_out.size()) +
                              " cells of the scenario were left out (--only), and a part is not the gate");
  verdict.reasons.insert(verdict.reasons.end(), run_faults.begin(), run_faults.end());
  if (candidates == 0) verdict.reasons.push_back("the plan has no cell with a candidate in it");

  verdict.interrupted =
      std::any_of(own.begin(), own.end(), [](const auto& o) { return o.ending == Ending::interrupted; });
  verdict.nothing_ran =
      std::all_of(own.begin(), own.end(), [](const auto& o) { return o.ending == Ending::not_run; });
  if (blamed != 0)
    verdict.decision = Decision::blocked;
  else if (candidates != 0 && passed == candidates && verdict.reasons.empty() && !verdict.interrupted)
    verdict.decision = Decision::passed;
  return verdict;
}

Json to_json(const Verdict& verdict, const plan::Plan& plan) {
  Json json;
  json["labctl"] = 1;
  json["verdict"] = to_string(verdict.decision);
  json["scenario"] = plan.scenario;
  json["interrupted"] = verdict.interrupted;
  json["reasons"] = verdict.reasons;
  json["cells"] = Json::array();
  for (const Outcome& outcome : verdict.cells) {
    auto cell = std::find_if(plan.cells.begin(), plan.cells.end(),
                             [&](const auto& c) { return c.id == outcome.cell; });
    const bool control = cell != plan.cells.end() && cell->control;
    Json axes = Json::object();
    if (cell != plan.cells.end())
      for (const auto& [axis, value] : cell->axes) axes[axis] = value;
    Json findings = Json::array();
    for (const Seen& seen : outcome.findings) {
      Json finding{{"title", seen.finding.title},
                   {"kind", crash::to_string(seen.finding.kind)},
                   {"severity", crash::to_string(seen.finding.severity)},
                   {"channel", seen.channel},
                   {"module", seen.finding.module},
                   {"boot", seen.boot},
                   {"offset", seen.finding.offset},
                   {"line", seen.finding.line}};
      if (!seen.finding.suppressed.empty()) finding["suppressed"] = seen.finding.suppressed;
      if (!seen.finding.corrupted.empty()) finding["corrupted"] = seen.finding.corrupted;
      findings.push_back(std::move(finding));
    }
    json["cells"].push_back(
        {{"id", outcome.cell},
         {"control", control},
         {"axes", axes},
         {"outcome", to_string(outcome.ending)},
         {"boots", {{"wanted", outcome.boots_wanted}, {"proved", outcome.boots_proved}}},
         {"excluded_crash_rate", control ? Json() : rate(excluded_crash_rate(clean_boots(outcome)))},
         {"findings", findings},
         {"step", outcome.step},
         {"reason", outcome.reason},
         {"took_ms", outcome.took.count()}});
    if (!outcome.journal.sha256.empty())
      json["cells"].back()["journal"] = {{"sha256", outcome.journal.sha256},
                                         {"events", outcome.journal.events}};
  }
  json["problems"] = Json::array();
  for (const Problem& problem : problems(verdict))
    json["problems"].push_back({{"title", problem.title},
                                {"kind", crash::to_string(problem.kind)},
                                {"severity", crash::to_string(problem.severity)},
                                {"module", problem.module},
                                {"cells", problem.cells}});
  const Statistics all = statistics(verdict, plan);
  json["statistics"] = {{"boots_proved", all.boots_proved},
                        {"clean_boots", all.clean_boots},
                        {"excluded_crash_rate", rate(all.excluded_crash_rate())}};
  return json;
}

}  // namespace labctl::verdict
