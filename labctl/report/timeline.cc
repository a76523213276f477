#include <fmt/core.h>

#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/report/report.h"

namespace labctl::report {
namespace {

constexpr std::size_t most_lives = 200, most_marks = 200;
constexpr Millis one_reboot{10000};  // resets nearer than this to each other are one reboot

class Follower {
 public:
  explicit Follower(Timeline& line) : line_(line) { line_.lives.push_back({}); }

  void see(const event::Event& event) {
    now_ = event.at;
    std::visit(
        overloaded{
            [this](const event::Reset&) { reset(); },
            [this](const event::KernelStarted&) {
              went_down_.reset();
              mark(Mark::Kind::kernel, "a kernel starts");
            },
            [this](const event::AgentLink& link) {
              if (!link.up) return mark(Mark::Kind::agent, "the agent is gone");
              came_up();
            },
            [this](const event::Beat&) { came_up(); },
            [this](const event::Found& found) {
              if (found.finding.suppressed.empty())
                mark(Mark::Kind::finding, found.finding.title + " (" + event::to_string(found.channel) + ")");
            },
            [this](const event::Panicked& panic) {
              mark(Mark::Kind::panic, fmt::format("the panic device reported{}",
                                                  panic.details.empty() ? "" : ": " + panic.details));
            },
            [this](const event::Stopped& stopped) {
              mark(Mark::Kind::stopped,
                   fmt::format("the guest stopped{}", stopped.reason.empty() ? "" : ": " + stopped.reason));
            },
            [this](const event::LabFault& fault) {
              mark(Mark::Kind::lab, fmt::format("lab: {}", fault.what));
            },
            [this](const event::Interrupted&) { mark(Mark::Kind::lab, "interrupted"); }, [](const auto&) {}},
        event.what);
  }

  void close() {
    line_.end = now_;
    line_.lives.back().to = now_;
  }

 private:
  void mark(Mark::Kind kind, std::string text) {
    if (line_.marks.size() < most_marks) line_.marks.push_back({kind, now_, printable(text)});
  }

  void reset() {
    const bool same_reboot = went_down_ && now_ - *went_down_ < one_reboot;
    went_down_ = now_;
    if (same_reboot || line_.lives.size() >= most_lives) return;
    mark(Mark::Kind::reset, "reset");
    line_.lives.back().to = now_;
    line_.lives.push_back({.number = line_.lives.back().number + 1, .from = now_});
  }

  // A beat that was under way when the guest was reset comes late and says nothing of the new boot.
  void came_up() {
    auto& life = line_.lives.back();
    if (life.up || went_down_) return;
    life.up = now_;
    if (life.number != 0) mark(Mark::Kind::agent, "the agent is there");
  }

  Timeline& line_;
  Millis now_{0};
  std::optional<Millis> went_down_;
};

}  // namespace

Timeline timeline(std::vector<Span> steps, const std::vector<event::Event>& journal) {
  Timeline line;
  line.steps = std::move(steps);
  Follower follower(line);
  for (const auto& event : journal) follower.see(event);
  follower.close();
  return line;
}

}  // namespace labctl::report
