#include "labctl/plan/accept.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/plan/tuple.h"

namespace labctl::plan {
namespace {

using scenario::Acceptance;

// A cell with all that is to be published. What is found there is found in those very bytes.
bool holds_every_candidate(const Plan& plan, const Cell& cell) {
  const Tuple tuple = tuple_of(holdings(plan));
  const bool own =
      (cell.driver == "candidate" || !tuple.driver) && (cell.content == "candidate" || !tuple.content);
  return own || boots_with(cell, tuple) > 0;
}

tl::unexpected<Error> no_such_cell(const Plan& plan, const std::string& id, const std::string& where) {
  std::vector<std::string> ids;
  for (const Cell& cell : plan.cells)
    if (!cell.control) ids.push_back(cell.id);
  const auto meant = did_you_mean(id, ids);
  return input_error(
      fmt::format("expect: the matrix has no cell '{}'", printable(id, 200)), where,
      meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("the cells are {}", join_some(ids)));
}

Status place(Plan& plan, const Acceptance& entry, const std::string& source) {
  const std::string where = at(source, entry.mark);
  const std::string& id = entry.cells.front();
  const auto cell =
      std::find_if(plan.cells.begin(), plan.cells.end(), [&](const Cell& c) { return c.id == id; });
  if (cell == plan.cells.end()) return no_such_cell(plan, id, where);
  if (cell->control)
    return input_error(
        fmt::format("expect: {} is a control, it holds nothing that could be expected to fail", id), where);
  if (holds_every_candidate(plan, *cell))
    return input_error(fmt::format("expect: {} holds all that is to be published, so this is a waiver, not "
                                   "an expectation: those bytes must be proved",
                                   id),
                       where, "put it into a waivers file: labctl run --waivers FILE");
  if (entry.expired(plan.date))
    return input_error(fmt::format("expect: '{}' of {} expired on {}", printable(entry.title),
                                   printable(entry.owner, 60), show_date(entry.until)),
                       at(source, entry.until_mark), "take it away, or let its owner give it another day");
  cell->accepted.push_back(entry);
  return {};
}

}  // namespace

Status place_expectations(Plan& plan, const scenario::Scenario& scenario) {
  for (const Acceptance& entry : scenario.expect)
    if (auto placed = place(plan, entry, scenario.source); !placed) return placed;
  return {};
}

void place_waivers(Plan& plan) {
  for (Cell& cell : plan.cells)
    for (const Acceptance& waiver : plan.waivers)
      if (waiver.matches(cell.id) && !waiver.expired(plan.date)) cell.accepted.push_back(waiver);
}

void note_expired_waivers(Plan& plan) {
  for (const Acceptance& waiver : plan.waivers)
    if (waiver.expired(plan.date))
      plan.notes.push_back(fmt::format("the waiver of '{}' by {} expired on {} and waives nothing",
                                       printable(waiver.title), printable(waiver.owner, 60),
                                       show_date(waiver.until)));
}

}  // namespace labctl::plan
