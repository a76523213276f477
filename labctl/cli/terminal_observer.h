// What the gate does, shown on the terminal while it does it: one line for each thing that people should
// know, and the cells as ProgressDisplay shows them.
#pragma once

#include <optional>

#include "labctl/cli/progress.h"
#include "labctl/gate/observer.h"

namespace labctl::cli {

class TerminalObserver final : public gate::Observer {
 public:
  // `redraws`: the cells' lines are drawn again and again, as on a terminal.
  explicit TerminalObserver(bool redraws) : redraws_(redraws) {}
  void on(const gate::Event& event) override;

 private:
  const bool redraws_;
  std::optional<ProgressDisplay> cells_;  // while cells run
};

}  // namespace labctl::cli
