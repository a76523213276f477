// Journals gone through again: the outcome they give, and the steps they went through.
#include "labctl/cell/cell.h"

namespace labctl::cell {
namespace {

// What was seen to end a life counts even when the journal was cut off behind it: a crash, or why the lab
// could not go on.
outcome::Outcome outcome_at(State state) {
  if (state.phase == Phase::ended) return std::move(state.outcome);
  if (state.phase <= Phase::held) {
    state.outcome.ending = outcome::Ending::lab_failed;
    state.outcome.reason = "its journal stops before its end";
  }
  state.outcome.findings = std::move(state.findings);
  return std::move(state.outcome);
}

void note(std::vector<StepTaken>& taken, const State& state, Millis at) {
  constexpr std::size_t most = 500;
  if (!taken.empty()) taken.back().to = at;
  if (state.phase == Phase::ended) return;
  outcome::StepId step = step_now(state);
  if (taken.size() < most && (taken.empty() || taken.back().step != step))
    taken.push_back({std::move(step), at, at});
}

}  // namespace

outcome::Outcome replay(const plan::Cell& cell, const std::vector<event::Event>& journal,
                        std::optional<guest::Crash> canary) {
  State state = begin(cell, canary);
  for (const auto& event : journal) on(state, event);
  return outcome_at(std::move(state));
}

Life life_of(const plan::Cell& cell, const std::vector<event::Event>& journal) {
  Life life;
  State state = begin(cell);
  for (const auto& event : journal) {
    const bool ended = state.phase == Phase::ended;
    on(state, event);
    if (!ended) note(life.steps, state, event.at);
  }
  life.outcome = outcome_at(std::move(state));
  return life;
}

}  // namespace labctl::cell
