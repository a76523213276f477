#include "labctl/cell/cell.h"

namespace labctl::cell {

std::vector<StepTaken> steps_taken(const plan::Cell& cell, const std::vector<event::Event>& journal,
                                   std::size_t limit) {
  std::vector<StepTaken> taken;
  State state = begin(cell);
  for (const auto& event : journal) {
    state = on(std::move(state), event).state;
    if (!taken.empty()) taken.back().to = event.at;
    if (state.phase == Phase::ended) break;
    std::string name = where_now(state);
    if (taken.size() < limit && (taken.empty() || taken.back().name != name))
      taken.push_back({std::move(name), event.at, event.at});
  }
  return taken;
}

}  // namespace labctl::cell
