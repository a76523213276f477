#include "labctl/verdict/verdict.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/enum_names.h"
#include "labctl/base/text.h"
#include "labctl/outcome/accept.h"
#include "labctl/plan/tuple.h"
#include "labctl/verdict/weigh.h"

namespace labctl::verdict {

using outcome::blocks;
using outcome::Canary;
using outcome::ended_as_expected;
using outcome::Ending;
using outcome::is_guest_failure;
using outcome::missing;
using outcome::not_asked;
using outcome::Observation;
using outcome::Outcome;
using outcome::rules_now;

constexpr auto decisions = enum_names<Decision>(
    {{Decision::passed, "passed"}, {Decision::blocked, "blocked"}, {Decision::no_verdict, "no-verdict"}});
const char* to_string(Decision decision) { return decisions.name(decision); }

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
  if (found.ending == Ending::passed &&
      std::any_of(found.findings.begin(), found.findings.end(),
                  [&](const Observation& seen) { return blocks(cell, seen.finding); })) {
    found.ending = Ending::lab_failed;
    found.reason = "it claims to have passed with a fatal finding";
  }
  if (const auto* entry = missing(cell, found.findings); entry && found.ending == Ending::passed) {
    found.ending = Ending::lab_failed;
    found.reason = "it claims to have passed without the finding that is expected of it";
  }
  if (found.ending == Ending::passed &&
      (found.boots_wanted == 0 || found.boots_proved != found.boots_wanted)) {
    found.ending = Ending::lab_failed;
    found.reason = fmt::format("{} of {} boots proved is not a pass", found.boots_proved, found.boots_wanted);
  }
  found.expected = ended_as_expected(cell, found);
  return found;
}

// What a reader of a failure should know of the people who wanted to accept something here.
std::string words_of_people(const plan::Plan& plan, const plan::Cell& cell, const Outcome& outcome) {
  std::string text;
  if (const auto* entry = missing(cell, outcome.findings); entry && is_guest_failure(outcome.ending))
    text += fmt::format("; expected here: '{}', which did not appear", printable(entry->title));
  for (const auto& waiver : plan.waivers) {
    const bool hoped_for =
        waiver.expired(plan.date) && waiver.matches(cell.id) &&
        std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const Observation& seen) {
          return seen.finding.title == waiver.title && blocks(cell, seen.finding);
        });
    if (hoped_for)
      text += fmt::format("; the waiver of '{}' by {} expired on {}", printable(waiver.title),
                          printable(waiver.owner, 60), show_date(waiver.until));
  }
  return text;
}

// What is to be published must have passed together wherever a part of it ran; cells that crash as expected
// prove nothing of it. A plan that is read back has not been through expand(), so this asks again.
void demand_tuple(const plan::Plan& plan, Verdict& verdict) {
  const auto holdings = plan::holdings(plan);
  const plan::Tuple tuple = plan::tuple_of(holdings);
  if (tuple.empty()) verdict.reasons.emplace_back("nothing in the plan is labelled 'candidate'");
  std::vector<bool> passed;
  for (const Outcome& outcome : verdict.cells) passed.push_back(outcome.ending == Ending::passed);
  for (const plan::Place& place : plan::never_together(holdings, passed))
    verdict.reasons.push_back(
        fmt::format("no cell that passed has booted with {} on {}", tuple.in_words(), place.in_words()));
}

// A cell that passed by older rules has not proved what a pass proves today.
void demand_rules(Verdict& verdict) {
  int oldest = rules_now;
  for (const Outcome& outcome : verdict.cells)
    if (outcome.ending == Ending::passed) oldest = std::min(oldest, outcome.rules);
  if (oldest == rules_now) return;
  std::string asked;
  for (const std::string& what : not_asked(oldest)) asked += (asked.empty() ? "" : ", ") + what;
  verdict.reasons.push_back(fmt::format(
      "the run was recorded under rule set {}, and this is {}; not asked then: {}; run the scenario again",
      oldest, rules_now, asked));
}

// Why the channels of this image on this machine are not proved, empty when they are.
std::string blind(const plan::Cell& cell, const std::vector<Canary>& canaries) {
  const auto own = std::find_if(canaries.begin(), canaries.end(), [&](const auto& canary) {
    return canary.image == cell.image && canary.machine == cell.machine.name;
  });
  return own == canaries.end() ? Canary{}.reason() : own->reason();
}

// A channel that was not seen to speak proves nothing by its silence. What was seen all the same counts.
void apply_canary(const std::string& why, const plan::Cell& cell, Outcome& outcome) {
  if (is_guest_failure(outcome.ending) && !outcome.expected) return;
  if (outcome.ending == Ending::interrupted) return;
  outcome.expected = false;
  outcome.ending = Ending::lab_failed;
  outcome.reason = fmt::format("the channels of {} are not proved: canary {}",
                               Canary{cell.image, cell.machine.name}.name(), why);
}

// Whether a control ran on this host beside the candidates: its records are those of now, or, where a shard
// was run several times, it was run in another attempt.
bool ran_beside(const Outcome& control) {
  return !control.kept || std::any_of(control.attempts.begin(), control.attempts.end(),
                                      [](const auto& attempt) { return attempt.ending == Ending::passed; });
}

// Why a control cannot speak for a cell; empty when it can.
std::string doubt(const Outcome& control, const Outcome& cell) {
  if (control.ending != Ending::passed)
    return fmt::format("ended {}{}, so the lab cannot be trusted on this image", to_string(control.ending),
                       control.reason.empty() ? "" : " (" + control.reason + ")");
  if (!ran_beside(control) && is_guest_failure(cell.ending))
    return fmt::format(
        "passed on {} in another run and not beside this cell, so the failure is not attributed to the "
        "candidate",
        control.kept->made);
  return {};
}

// Kept controls beside which a guest failed.
std::vector<std::string> not_fresh(const plan::Plan& plan, const std::vector<Outcome>& own) {
  std::vector<std::string> ids;
  for (std::size_t c = 0; c < plan.cells.size(); ++c) {
    if (!plan.cells[c].control || ran_beside(own[c])) continue;
    for (std::size_t i = 0; i < plan.cells.size(); ++i)
      if (plan::same_base(plan.cells[c], plan.cells[i]) && is_guest_failure(own[i].ending)) {
        ids.push_back(plan.cells[c].id);
        break;
      }
  }
  return ids;
}

// A candidate is neither passed nor blamed on an image whose control did not pass; if it has several, each
// must.
void apply_control(const plan::Plan& plan, const plan::Cell& cell, Outcome& outcome,
                   const std::vector<Outcome>& all) {
  bool has_control = false;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const plan::Cell& control = plan.cells[i];
    if (!control.control || !plan::same_base(control, cell)) continue;
    has_control = true;
    const std::string why = doubt(all[i], outcome);
    if (why.empty()) continue;
    if (outcome.ending == Ending::interrupted || outcome.ending == Ending::not_run) return;
    outcome.reason =
        fmt::format("the control without the candidate {}; the cell itself ended {}{}", why,
                    to_string(outcome.ending), outcome.reason.empty() ? "" : " (" + outcome.reason + ")");
    outcome.ending = Ending::lab_failed;
    outcome.expected = false;
    return;
  }
  if (has_control) return;
  outcome.reason = "the plan has no control for this image";
  outcome.ending = Ending::lab_failed;
  outcome.expected = false;
}

// The outcomes are those of the plan, and the plan is all of the scenario.
void demand_whole(const plan::Plan& plan, const std::vector<Outcome>& outcomes, Verdict& verdict) {
  for (const Outcome& outcome : outcomes)
    if (std::none_of(plan.cells.begin(), plan.cells.end(),
                     [&](const auto& c) { return c.id == outcome.cell; }))
      verdict.reasons.push_back(
          fmt::format("there is an outcome for '{}', which is not in the plan", outcome.cell));
  for (const plan::Cell& cell : plan.cells)
    if (std::count_if(plan.cells.begin(), plan.cells.end(), [&](const auto& c) { return c.id == cell.id; }) >
        1) {
      verdict.reasons.push_back(fmt::format("the plan has more than one cell called '{}'", cell.id));
      break;
    }
  if (!plan.left_out.empty())
    verdict.reasons.push_back(
        fmt::format("{} cells were excluded with --only; a partial run cannot pass", plan.left_out.size()));
}

}  // namespace

Verdict judge(const plan::Plan& plan, const std::vector<Outcome>& outcomes,
              const std::vector<Canary>& canaries, const std::vector<std::string>& run_faults) {
  Verdict verdict;
  verdict.canaries = canaries;
  for (const plan::Cell& cell : plan.cells) {
    verdict.cells.push_back(outcome_of(cell, outcomes));
    if (const auto why = blind(cell, canaries); !why.empty()) apply_canary(why, cell, verdict.cells.back());
  }
  weigh(plan, verdict.cells);
  verdict.new_errors = new_errors(plan, verdict.cells);
  const std::vector<Outcome> own = verdict.cells;
  verdict.wants_rerun = not_fresh(plan, own);
  std::size_t candidates = 0, passed = 0, expected = 0, blamed = 0;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    if (plan.cells[i].control) continue;
    Outcome& outcome = verdict.cells[i];
    if (blind(plan.cells[i], canaries).empty()) apply_control(plan, plan.cells[i], outcome, own);
    ++candidates;
    passed += outcome.ending == Ending::passed;
    expected += outcome.expected;
    blamed += is_guest_failure(outcome.ending) && !outcome.expected;
    if (outcome.ending != Ending::passed && !outcome.expected)
      verdict.reasons.push_back(outcome.cell + " " + to_string(outcome.ending) + ": " + outcome.reason +
                                words_of_people(plan, plan.cells[i], outcome));
  }
  verdict.reasons_of_cells = verdict.reasons.size();
  demand_whole(plan, outcomes, verdict);
  verdict.reasons.insert(verdict.reasons.end(), run_faults.begin(), run_faults.end());
  if (candidates == 0) verdict.reasons.push_back("the plan has no cell with a candidate in it");
  if (blamed == 0 && passed + expected == candidates && candidates != 0) {
    if (passed == 0) verdict.reasons.push_back("no cell passed: crashes that are expected prove nothing");
    demand_tuple(plan, verdict);
    demand_rules(verdict);
  }

  verdict.interrupted =
      std::any_of(own.begin(), own.end(), [](const auto& o) { return o.ending == Ending::interrupted; });
  verdict.nothing_ran =
      std::all_of(own.begin(), own.end(), [](const auto& o) { return o.ending == Ending::not_run; });
  if (verdict.interrupted && verdict.reasons.empty()) verdict.reasons.emplace_back("the run was interrupted");
  if (blamed != 0)
    verdict.decision = Decision::blocked;
  else if (passed != 0 && verdict.reasons.empty())
    verdict.decision = Decision::passed;
  verdict.waivers = waiver_uses(plan, verdict.cells);
  verdict.weaker = weaknesses(plan, verdict.cells);
  verdict.waived = verdict.decision == Decision::passed &&
                   std::any_of(verdict.waivers.begin(), verdict.waivers.end(),
                               [](const auto& use) { return use.state == WaiverState::used; });
  return verdict;
}

}  // namespace labctl::verdict
