// What the gate does, shown on the terminal while it does it: one line for each thing that people should
// know, and the cells as lines or as a view that is drawn again and again.
#pragma once

#include <memory>
#include <optional>

#include "labctl/cli/progress.h"
#include "labctl/gate/observer.h"

namespace labctl::cli {

class TerminalObserver final : public gate::Observer {
 public:
  // `live`: cells are drawn again and again (live_view.h), which only a terminal can show.
  explicit TerminalObserver(bool live);
  ~TerminalObserver() override;
  void on(const gate::Event& event) override;

 private:
  class Live;
  bool on_cells(const gate::Event& event);

  const bool draws_;
  // While cells run, one of the two.
  std::optional<ProgressLines> lines_;
  std::unique_ptr<Live> live_;
};

}  // namespace labctl::cli
