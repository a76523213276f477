#include "labctl/snapshot/shell.h"

#include <fmt/core.h>

#include "labctl/base/queue.h"
#include "labctl/observe/observe.h"

namespace labctl::snapshot {

Result<ShellAnswer> ask_shell(machine::Machine& machine, const std::string& command, Millis limit,
                              const std::stop_token& stop, const std::function<bool()>& meanwhile,
                              scenario::Os os) {
  using Clock = std::chrono::steady_clock;
  Queue<event::Answer> answers;
  observe::Agent agent(machine, guest::system_of(os).shell(),
                       [&](const event::What& what, const std::string&) {
                         if (const auto* answer = std::get_if<event::Answer>(&what)) answers.push(*answer);
                       });
  agent.ask("shell", command);
  const auto deadline = Clock::now() + limit;
  while (Clock::now() < deadline && !stop.stop_requested()) {
    auto answer = answers.pop_until(Clock::now() + std::chrono::milliseconds(meanwhile ? 50 : 200));
    if (meanwhile && !meanwhile()) return interrupted();
    if (!answer) continue;
    if (!answer->answered)
      return lab_error(fmt::format("the guest's agent refused a command: {}", answer->output));
    return ShellAnswer{answer->exit_code, answer->output};
  }
  if (stop.stop_requested()) return interrupted();
  return lab_error(fmt::format("a command in the guest did not end: {}", command));
}

}  // namespace labctl::snapshot
