#include "labctl/cli/terminal_observer.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <mutex>

#include "labctl/base/columns.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/live_area.h"
#include "labctl/cli/live_view.h"
#include "labctl/cli/output.h"
#include "labctl/report/report.h"

namespace labctl::cli {

// The cells as they are now, for the thread that draws them.
class TerminalObserver::Live {
 public:
  explicit Live(const gate::CellsBegan& began) : state_(live_state(began)) {
    for (const auto& cell : began.cells) id_width_ = std::max(id_width_, columns(cell));
    area_.emplace([this](const Screen& screen) {
      const std::lock_guard lock(mutex_);
      return live_view(state_, screen, now());
    });
  }

  void update(const lab::Progress& progress) {
    {
      const std::lock_guard lock(mutex_);
      take(state_, progress, now());
    }
    if (progress.ended) say(ended_text(progress, id_width_, now()));
  }

 private:
  Millis now() const { return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began_); }

  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::size_t id_width_ = 0;
  std::mutex mutex_;
  LiveState state_;
  std::optional<LiveArea> area_;  // ends first
};

TerminalObserver::TerminalObserver(bool live) : draws_(live) {}
TerminalObserver::~TerminalObserver() = default;

bool TerminalObserver::on_cells(const gate::Event& event) {
  const auto update = [this](const lab::Progress& progress) {
    if (live_) live_->update(progress);
    if (lines_) lines_->update(progress);
    return true;
  };
  if (const auto* moved = std::get_if<gate::CellMoved>(&event)) return update(moved->progress);
  if (const auto* ended = std::get_if<gate::CellEnded>(&event)) return update(ended->progress);
  const auto* began = std::get_if<gate::CellsBegan>(&event);
  if (!began && !std::holds_alternative<gate::CellsEnded>(event)) return false;
  lines_.reset();
  live_.reset();
  if (began && draws_) live_ = std::make_unique<Live>(*began);
  if (began && !draws_) lines_.emplace(began->cells);
  return true;
}

void TerminalObserver::on(const gate::Event& event) {
  if (on_cells(event)) return;
  // Errors have a place in front, where editors look for it.
  if (const auto* problem = std::get_if<gate::Problem>(&event)) {
    report_error(problem->error);
    return;
  }
  if (const auto* ended = std::get_if<gate::ImageEnded>(&event)) {
    // A result, and no word on the way; what went wrong is in the answer.
    if (!ended->image) return;
    answer_more("images", {{"name", ended->name},
                           {"sha256", ended->image->sha256},
                           {"kernel", ended->image->facts.kernel_release}});
    print(fmt::format("{}\t{}\tkernel {}\n", ended->name, ended->image->sha256,
                      ended->image->facts.kernel_release));
    return;
  }
  if (const auto* ended = std::get_if<gate::CanariesEnded>(&event))
    for (const auto& canary : ended->canaries)
      if (!canary.proved()) say(report::canary_table(canary));
  if (const auto line = gate::describe(event); !line.empty()) say(fmt::format("labctl: {}", line));
}

}  // namespace labctl::cli
