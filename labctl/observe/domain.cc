#include <fmt/core.h>

#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/crash/errors.h"
#include "labctl/observe/observe.h"

namespace labctl::observe {
namespace {

std::string own_doing(machine::Cause cause) {
  if (cause == machine::Cause::stopped) return "stopped";
  return cause == machine::Cause::died ? "died" : "";
}

}  // namespace

std::vector<event::What> translate(const machine::Notification& sign) {
  using Events = std::vector<event::What>;
  return std::visit(
      overloaded{
          [](const machine::ConsoleBytes&) { return Events{}; },
          [](const machine::ConsoleEnded& e) {
            return Events{event::LabFault{fmt::format("the console was lost: {}", printable(e.why))}};
          },
          [](const machine::GuestReset& e) { return Events{event::Reset{e.by_guest}}; },
          [](const machine::GuestStopped& e) {
            return Events{event::Stopped{e.by_guest, printable(e.reason)}};
          },
          [](const machine::GuestPanicked& e) {
            return Events{event::Panicked{e.crash_loaded, printable(e.details, 2000)}};
          },
          [](const machine::AgentLink& e) { return Events{event::AgentLink{e.up}}; },
          [](const machine::GuestSuspended&) { return Events{event::Suspended{}}; },
          [](const machine::GuestWoken&) { return Events{event::Woken{}}; },
          [](const machine::Lost& e) {
            return Events{event::LabFault{.what = fmt::format("the guest's hypervisor is gone: {}", e.why),
                                          .hypervisor = own_doing(e.cause)}};
          },
      },
      sign);
}

std::vector<event::What> scan_kernel_log(crash::Os os, std::string_view log,
                                         const std::vector<crash::Signature>& signatures) {
  std::vector<event::What> events;
  for (auto& finding : crash::scan(log, os, signatures))
    events.emplace_back(event::Found{event::Channel::evidence, std::move(finding)});
  return events;
}

std::vector<event::What> KernelLog::read(std::string_view raw_log, crash::Os os,
                                         const std::vector<crash::Signature>& signatures) {
  constexpr std::size_t most = 50;
  auto events = scan_kernel_log(os, raw_log, signatures);
  for (auto& line : crash::logged_errors(raw_log, most))
    if (told_.size() < most && told_.insert(line).second) events.emplace_back(event::Logged{std::move(line)});
  for (auto& finding : crash::crashed_programs(raw_log))
    events.emplace_back(event::Found{event::Channel::evidence, std::move(finding)});
  return events;
}

}  // namespace labctl::observe
