// verdict.json: the verdict for programs.

#include <algorithm>

#include "labctl/base/json.h"
#include "labctl/event/channel.h"
#include "labctl/outcome/accept.h"
#include "labctl/outcome/blame.h"
#include "labctl/verdict/analysis.h"
#include "labctl/verdict/verdict.h"

namespace labctl::verdict {

using outcome::accepted;
using outcome::Attempt;
using outcome::Canary;
using outcome::CanaryDeath;
using outcome::Observation;
using outcome::of_candidate;
using outcome::Outcome;
namespace {

Json accepted_json(const scenario::Acceptance& entry) {
  return {{"as", scenario::to_string(entry.as)},
          {"owner", entry.owner},
          {"reason", entry.reason},
          {"until", show_date(entry.until)}};
}

Json waivers_json(const std::vector<WaiverUse>& uses) {
  Json list = Json::array();
  for (const auto& [waiver, state] : uses)
    list.push_back({{"title", waiver.title},
                    {"cells", waiver.cells},
                    {"owner", waiver.owner},
                    {"reason", waiver.reason},
                    {"until", show_date(waiver.until)},
                    {"state", to_string(state)}});
  return list;
}

Json canaries_json(const std::vector<Canary>& canaries) {
  Json list = Json::array();
  for (const Canary& canary : canaries) {
    Json deaths = Json::array();
    for (const CanaryDeath& death : canary.deaths)
      deaths.push_back({{"crash", death.crash},
                        {"due", event::names_of(death.due)},
                        {"spoke", event::names_of(death.spoke)},
                        {"title", death.title},
                        {"reason", death.reason}});
    list.push_back({{"image", canary.image},
                    {"machine", canary.machine},
                    {"made", canary.made},
                    {"proved", canary.proved()},
                    {"deaths", deaths}});
    if (!canary.refused.empty()) list.back()["refused"] = canary.refused;
  }
  return list;
}

Json attempts_json(const std::vector<Attempt>& attempts) {
  Json list = Json::array();
  for (const Attempt& attempt : attempts) {
    list.push_back({{"records", attempt.records},
                    {"outcome", outcome::to_string(attempt.ending)},
                    {"reason", attempt.reason},
                    {"boots_proved", attempt.boots_proved},
                    {"took_ms", attempt.took.count()}});
    if (!attempt.journal.sha256.empty())
      list.back()["journal"] = {{"sha256", attempt.journal.sha256}, {"events", attempt.journal.events}};
  }
  return list;
}

Json rate(std::optional<double> excluded) { return excluded ? Json(*excluded) : Json(); }

// `cell`: none when the plan does not know it.
Json finding_json(const Observation& seen, const plan::Cell* cell) {
  Json finding{{"title", seen.finding.title},
               {"kind", crash::to_string(seen.finding.kind)},
               {"severity", crash::to_string(seen.finding.severity)},
               {"channel", event::to_string(seen.channel)},
               {"module", seen.finding.module},
               {"candidate", cell && of_candidate(*cell, seen.finding)},
               {"boot", seen.boot},
               {"offset", seen.finding.offset},
               {"line", seen.finding.line}};
  if (!seen.also.empty()) finding["also"] = event::names_of(seen.also);
  if (!seen.link.empty()) finding["link"] = seen.link;
  if (!seen.silent.empty()) finding["silent"] = event::names_of(seen.silent);
  if (!seen.finding.suppressed.empty()) finding["suppressed"] = seen.finding.suppressed;
  if (!seen.finding.corrupted.empty()) finding["corrupted"] = seen.finding.corrupted;
  if (const auto* entry = cell ? accepted(*cell, seen.finding) : nullptr)
    finding["accepted"] = accepted_json(*entry);
  return finding;
}

Json cell_json(const Outcome& outcome, const plan::Cell* cell) {
  const bool control = cell && cell->control;
  Json axes = Json::object(), findings = Json::array();
  if (cell)
    for (const auto& [axis, value] : cell->axes) axes[axis] = value;
  for (const Observation& seen : outcome.findings) findings.push_back(finding_json(seen, cell));
  Json json{{"id", outcome.cell},
            {"control", control},
            {"axes", std::move(axes)},
            {"outcome", outcome::to_string(outcome.ending)},
            {"boots", {{"wanted", outcome.boots_wanted}, {"proved", outcome.boots_proved}}},
            {"excluded_crash_rate", control ? Json() : rate(excluded_crash_rate(clean_boots(outcome)))},
            {"findings", std::move(findings)},
            {"step", outcome.step},
            {"reason", outcome.reason},
            {"took_ms", outcome.took.count()}};
  if (!outcome.journal.sha256.empty())
    json["journal"] = {{"sha256", outcome.journal.sha256}, {"events", outcome.journal.events}};
  if (outcome.kept) json["kept"] = {{"made", outcome.kept->made}, {"run", outcome.kept->run}};
  if (outcome.expected) json["expected"] = true;
  if (!outcome.attempts.empty()) json["attempts"] = attempts_json(outcome.attempts);
  return json;
}

}  // namespace

Json to_json(const Verdict& verdict, const plan::Plan& plan) {
  Json json;
  json["labctl"] = 1;
  json["verdict"] = to_string(verdict.decision);
  json["scenario"] = plan.scenario;
  json["interrupted"] = verdict.interrupted;
  json["reasons"] = verdict.reasons;
  json["waived"] = verdict.waived;
  json["waivers"] = waivers_json(verdict.waivers);
  for (const auto& [option, title, cells] : verdict.weaker)
    json["weaker"].push_back({{"option", option}, {"title", title}, {"cells", cells}});
  for (const auto& [title, cells] : verdict.new_errors)
    json["new_errors"].push_back({{"title", title}, {"cells", cells}});
  json["canaries"] = canaries_json(verdict.canaries);
  json["cells"] = Json::array();
  for (const Outcome& outcome : verdict.cells) {
    const auto cell = std::find_if(plan.cells.begin(), plan.cells.end(),
                                   [&](const auto& c) { return c.id == outcome.cell; });
    json["cells"].push_back(cell_json(outcome, cell == plan.cells.end() ? nullptr : &*cell));
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
