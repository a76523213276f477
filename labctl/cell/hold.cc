#include "labctl/cell/hold.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/outcome/failure.h"

namespace labctl::cell {
namespace {

Hold before(const std::vector<Operation>& operations, std::size_t position) {
  // The very first one begins with the machine itself: no session can be there before it.
  position = std::clamp<std::size_t>(position, 1, operations.size() - 1);
  return {static_cast<int>(operations.size() - position), operations[position].step.text()};
}

std::vector<std::string> step_names(const std::vector<Operation>& operations) {
  std::vector<std::string> names;
  for (std::size_t i = 1; i < operations.size(); ++i)
    if (std::string name = operations[i].step.text();
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  return names;
}

}  // namespace

Result<Hold> hold_at(const plan::Cell& cell, const event::Opened& opened, const std::string& step) {
  const auto all = operations(cell, opened);
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i].step.text() == step) return before(all, i);
  const auto names = step_names(all);
  std::string hint = fmt::format("its steps are: {}", join(names, ", "));
  if (auto meant = did_you_mean(step, names)) hint = fmt::format("did you mean '{}'? {}", *meant, hint);
  return input_error(fmt::format("the cell has no step '{}'", printable(step, 80)), cell.id, hint);
}

Result<Hold> hold_before_failure(const plan::Cell& cell, const std::vector<event::Event>& journal,
                                 Nearness nearness) {
  const auto outcome = replay(cell, journal);
  if (!outcome::is_guest_failure(outcome.ending))
    return input_error(fmt::format("the cell did not fail: it ended {}{}", to_string(outcome.ending),
                                   outcome.reason.empty() ? "" : " (" + outcome.reason + ")"),
                       cell.id, "--until STEP stops anywhere");
  const std::string title = failure_of(cell, outcome).title;
  State state = begin(cell);
  for (const auto& event : journal) {
    const auto* found = std::get_if<event::Found>(&event.what);
    // A line that turned out to be guilty later counts where it was said.
    if (found && !title.empty() && found->finding.title == title) break;
    on(state, event);
    if (state.phase > Phase::held) break;
  }
  std::size_t position = std::min(state.position, state.operations.size() - 1);
  const int chapter = state.operations[position].chapter;
  if (nearness == Nearness::step && chapter >= 0)
    while (position > 0 && state.operations[position - 1].chapter == chapter) --position;
  return before(state.operations, position);
}

std::optional<Hold> hold_before_content(const plan::Cell& cell, const event::Opened& opened) {
  event::Opened other = opened;
  const auto content = other.payload.find(guest::content_file());
  if (content == other.payload.end()) return std::nullopt;
  content->second = std::string(content->second.size(), '-');  // no content has this digest
  const auto all = operations(cell, opened), others = operations(cell, other);
  std::size_t position = 0;
  while (position < all.size() && all[position].same_work(others[position])) ++position;
  if (position >= all.size() || all[position].chapter <= 0) return std::nullopt;
  while (all[position - 1].chapter == all[position].chapter) --position;
  return before(all, position);
}

int next_hold(const State& held) { return std::max(0, held.left() - 1); }

}  // namespace labctl::cell
