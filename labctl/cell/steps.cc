#include "labctl/cell/cell.h"

namespace labctl::cell {

std::vector<StepTaken> steps_taken(const plan::Cell& cell, const std::vector<event::Event>& journal,
                                   std::size_t limit) {
  std::vector<StepTaken> taken;
  State state = begin(cell);
  for (const auto& event : journal) {
    on(state, event);
    if (!taken.empty()) taken.back().to = event.at;
    if (state.phase == Phase::ended) break;
    StepId step = step_now(state);
    if (taken.size() < limit && (taken.empty() || taken.back().step != step))
      taken.push_back({std::move(step), event.at, event.at});
  }
  return taken;
}

}  // namespace labctl::cell
