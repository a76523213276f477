#include <fmt/core.h>

#include <algorithm>

#include "labctl/cell/cell.h"
#include "labctl/history/entry.h"

namespace labctl::history {
namespace {

struct Window {
  int n = 0;
  Millis from{0}, to{0};
};

// "boot 2/3" and all its parts: the steps of one boot that the story asked for.
std::vector<Window> windows_of(const plan::Cell& cell, const std::vector<event::Event>& journal) {
  std::vector<Window> windows;
  for (int n = 1; n <= cell.boots_wanted(); ++n) windows.push_back({.n = n});
  for (const auto& step : cell::life_of(cell, journal).steps)
    for (auto& window : windows)
      if (step.step.name.starts_with(fmt::format("boot {}/", window.n))) {
        if (window.to == Millis(0)) window.from = step.from;
        window.to = step.to;
      }
  std::erase_if(windows, [](const Window& window) { return window.to <= window.from; });
  return windows;
}

// Follows one window; a reboot resets several times, and an answer that was under way when the guest fell is
// not of the new boot.
class Follower {
 public:
  explicit Follower(const Window& window) : window_(window) { row_.n = window.n; }

  void see(const event::Event& event) {
    if (const auto* tick = std::get_if<event::Tick>(&event.what)) count_cpu_wait(event.at, tick->cpu_wait);
    if (event.at < window_.from || event.at > window_.to) return;
    if (std::holds_alternative<event::Reset>(event.what)) {
      fallen_ = true;
      row_.kernel_ms = row_.agent_ms = 0;
    } else if (std::holds_alternative<event::KernelStarted>(event.what)) {
      if (row_.kernel_ms == 0) row_.kernel_ms = since(event.at);
    } else if (came_up(event) && fallen_ && row_.kernel_ms != 0 && row_.agent_ms == 0) {
      row_.agent_ms = since(event.at);
    }
  }

  BootRow row(bool proved) const {
    BootRow row = row_;
    if (proved) row.proved_ms = since(window_.to);
    row.starved_ms = std::max<std::int64_t>(0, (cpu_wait_to_ - cpu_wait_from_).count());
    return row;
  }

 private:
  static bool came_up(const event::Event& event) {
    if (const auto* link = std::get_if<event::AgentLink>(&event.what)) return link->up;
    if (const auto* answer = std::get_if<event::Answer>(&event.what)) return answer->answered;
    return std::holds_alternative<event::Beat>(event.what);
  }
  std::int64_t since(Millis at) const { return (at - window_.from).count(); }
  void count_cpu_wait(Millis at, Millis cpu_wait) {
    if (at <= window_.from) cpu_wait_from_ = cpu_wait;
    if (at <= window_.to) cpu_wait_to_ = cpu_wait;
  }

  Window window_;
  BootRow row_;
  bool fallen_ = false;
  Millis cpu_wait_from_{0}, cpu_wait_to_{0};
};

}  // namespace

std::vector<BootRow> boots_of(const plan::Cell& cell, const std::vector<event::Event>& journal, int proved) {
  std::vector<BootRow> rows;
  for (const auto& window : windows_of(cell, journal)) {
    Follower follower(window);
    for (const auto& event : journal) follower.see(event);
    rows.push_back(follower.row(window.n <= proved));
  }
  return rows;
}

}  // namespace labctl::history
