// Moments at which the power is cut: seen, or they prove nothing.

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

void CellMachine::listen(const std::vector<std::string>& markers) {
  for (const auto& marker : markers) {
    s_.said.erase(marker);
    actions_.push_back(Listen{marker});
  }
}

void CellMachine::cut_if_time() {
  const Operation& op = operation();
  const bool began = op.wait == Wait::moment ? s_.moment_began.has_value() : s_.down;
  const bool its_time = op.marker.empty()
                            ? s_.moment_began && s_.guest_time() - *s_.moment_began >= op.duration
                            : s_.said.count(op.marker) != 0;
  if (began && its_time && console_showed_shutdown()) advance();
}

// What should have been cut short came to its end: nothing was tried, so nothing is proved.
void CellMachine::missed_moment(const std::string& what) {
  const Operation& op = operation();
  if (!op.marker.empty())
    return fail(Ending::not_loaded,
                fmt::format("{} ended, and the console did not show '{}', at which the power was to be cut",
                            what, printable(op.marker, 80)));
  const bool unseen = op.wait == Wait::half_boot && !s_.kernel_spoke;
  lab(fmt::format("{} ended before the power could be cut {}", what,
                  unseen
                      ? std::string("(the console showed no kernel's first line)")
                      : fmt::format("{} after it began: write an earlier moment (power-cut: ..., after: ...)",
                                    show_duration(op.duration))));
}

}  // namespace labctl::cell
