#include "labctl/cli/terminal_observer.h"

#include <fmt/core.h>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/report/report.h"

namespace labctl::cli {

void TerminalObserver::on(const gate::Event& event) {
  if (const auto* began = std::get_if<gate::CellsBegan>(&event)) {
    cells_.emplace(began->cells, redraws_);
    return;
  }
  if (std::holds_alternative<gate::CellsEnded>(event)) return cells_.reset();
  if (const auto* moved = std::get_if<gate::CellMoved>(&event)) return cells_->update(moved->progress);
  if (const auto* ended = std::get_if<gate::CellEnded>(&event)) return cells_->update(ended->progress);
  // Errors have a place in front, where editors look for it.
  if (const auto* problem = std::get_if<gate::Problem>(&event)) {
    report_error(problem->error);
    return;
  }
  if (const auto* ended = std::get_if<gate::ImageEnded>(&event)) {
    // A result, and no word on the way; what went wrong is in the answer.
    if (ended->image)
      print(fmt::format("{}\t{}\tkernel {}\n", ended->name, ended->image->sha256,
                        text_at(ended->image->facts, "kernel_release")));
    return;
  }
  if (const auto* ended = std::get_if<gate::CanariesEnded>(&event))
    for (const auto& canary : ended->canaries)
      if (!canary.proved()) say(report::canary_table(canary));
  if (const auto line = gate::describe(event); !line.empty()) say(fmt::format("labctl: {}", line));
}

}  // namespace labctl::cli
