// What runs beside the story is the author's and no part of the candidate. That it could not be begun is
// nobody's guilt but the scenario's or the image's; that it has ended is reported, and counts where the
// author says so.

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

void CellMachine::judge_load_begun(const event::Answer& answer) {
  if (answer.exit_code == 0) return;
  lab(fmt::format("the background command '{}' could not be begun: status {}: {}",
                  printable(operation().background.run, 80), answer.exit_code,
                  printable(trim(answer.output), 160)));
}

void CellMachine::judge_load(const event::Answer& answer, const guest::Facts& facts) {
  const scenario::Background& load = operation().background;
  const std::string running = fact(facts, "running");
  if (answer.exit_code == 0 && running == "yes") return;
  if (answer.exit_code != 0 || running != "no")
    return fail(unable(), fmt::format("the guest did not report whether '{}' still runs in the background",
                                      printable(load.run, 80)));
  const std::string status = fact(facts, "status");
  const std::string what =
      fmt::format("the background command '{}' has ended {}", printable(load.run, 80),
                  status.empty() ? "without a status" : fmt::format("with status {}", printable(status, 20)));
  if (load.must_last) return fail(Ending::not_loaded, what);
  crash::Finding finding;
  finding.title = fmt::format("background ended: {}", printable(load.run, 80));
  finding.kind = crash::Kind::other;
  finding.severity = crash::Severity::warning;
  finding.suppressed = fmt::format("the scenario allows it; {}", what);
  note(finding, Channel::evidence);
}

}  // namespace labctl::cell
