#include "labctl/reproduction/reproduce.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::reproduction {
Result<plan::Cell> find_cell(const plan::Plan& plan, const std::string& id) {
  std::vector<std::string> ids, matching;
  for (const auto& cell : plan.cells) {
    ids.push_back(cell.id);
    if (glob_match(id, cell.id)) matching.push_back(cell.id);
  }
  if (matching.size() == 1)
    return *std::find_if(plan.cells.begin(), plan.cells.end(),
                         [&](const auto& cell) { return cell.id == matching.front(); });
  if (matching.size() > 1)
    return input_error(fmt::format("'{}' is more than one cell", printable(id)), {},
                       fmt::format("say which: {}", join_some(matching)));
  std::string hint = fmt::format("its cells are: {}", join_some(ids));
  if (auto meant = did_you_mean(id, ids)) hint = fmt::format("did you mean '{}'?", *meant);
  return input_error(fmt::format("the bundle has no cell '{}'", printable(id)), {}, hint);
}

std::optional<Millis> RecordedCell::reached(const cell::Hold& hold) const {
  cell::State state = cell::begin(cell);
  for (const auto& event : journal.events) {
    cell::on(state, event);
    if (state.phase > cell::Phase::held) return std::nullopt;
    if (state.left() <= hold.left) return event.at;
  }
  return std::nullopt;
}

Result<RecordedCell> read_recorded(const bundle::RecordedRun& run, const fs::path& bundle,
                                   const std::string& id) {
  auto cell = find_cell(run.record.plan, id);
  if (!cell) return fail(cell.error());
  auto journal = bundle::read_cell_journal(*cell, bundle / "cells" / cell->id);
  if (!journal)
    return input_error(fmt::format("the cell cannot be reproduced: {}", journal.error().what),
                       journal.error().where,
                       "its journal says what was done to the guest; without it nothing can be replayed");
  RecordedCell recorded{std::move(*cell), std::move(*journal), {}};
  recorded.outcome = cell::replay(recorded.cell, recorded.journal.events);
  return recorded;
}

}  // namespace labctl::reproduction
