#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/event/channel.h"
#include "labctl/report/report.h"

namespace labctl::report {
namespace {

constexpr event::Channel shown_channels[] = {event::Channel::console, event::Channel::panic_device,
                                             event::Channel::resets, event::Channel::heartbeat,
                                             event::Channel::evidence};

bool holds(const std::vector<event::Channel>& list, event::Channel channel) {
  return std::find(list.begin(), list.end(), channel) != list.end();
}

}  // namespace

std::string canary_table(const outcome::Canary& canary) {
  std::string text = fmt::format("{}, crashed on purpose {}\n  crash      ", canary.name(), canary.made);
  for (const auto channel : shown_channels) text += padded(event::to_string(channel), 14);
  text += "reported as\n";
  for (const auto& death : canary.deaths) {
    text += "  " + padded(death.crash, 11);
    for (const auto channel : shown_channels) {
      const bool spoke = holds(death.spoke, channel), due = holds(death.due, channel);
      text += padded(spoke ? "reported" : due ? "SILENT" : "-", 14);
    }
    text += printable(death.title.empty() && death.proved() ? "no sign of life" : death.title) + "\n";
  }
  const std::string reason = canary.reason();
  return text + (reason.empty() ? "  proved: every expected channel reported\n"
                                : fmt::format("  NOT proved: {}\n", printable(reason, 400)));
}

}  // namespace labctl::report
