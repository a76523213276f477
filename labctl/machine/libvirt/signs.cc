#include "labctl/machine/libvirt/signs.h"

#include <fmt/core.h>
#include <libvirt/libvirt.h>

#include <algorithm>
#include <utility>

#include "labctl/base/json.h"
#include "labctl/base/text.h"

namespace labctl::machine {
namespace {

const char* stopped_because(int detail) {
  switch (detail) {
    case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
      return "it shut down";
    case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
      return "another program destroyed it";
    case VIR_DOMAIN_EVENT_STOPPED_CRASHED:
      return "it crashed";
    case VIR_DOMAIN_EVENT_STOPPED_FAILED:
      return "it was killed or crashed";
    default:
      return "no reason known";
  }
}

}  // namespace

std::optional<Notification> Interpreter::monitor(std::string_view event, std::string_view details,
                                                 std::chrono::microseconds when) {
  if (over_) return std::nullopt;
  const Result<Json> parsed = parse_json(details.empty() ? "{}" : details, "a monitor event");
  const Json data = parsed ? *parsed : Json::object();
  if (event == "RESET") return reset(flag_at(data, "guest"), when);
  if (event == "SHUTDOWN") {
    over_ = true;
    const std::string reason = text_at(data, "reason", "unknown");
    // QEMU ends itself on a signal or the monitor's `quit`: nobody here sends those. Or it cannot go on.
    if (reason == "host-error") return Lost{"the hypervisor could not go on: host-error", Cause::died};
    if (!flag_at(data, "guest"))
      return Lost{fmt::format("the hypervisor process was asked to quit: {}", printable(reason))};
    return GuestStopped{true, printable(reason)};
  }
  if (event == "GUEST_PANICKED" || event == "GUEST_CRASHLOADED") {
    const bool crash_loaded = event == "GUEST_CRASHLOADED";
    if (!crash_loaded) panicked_ = true;
    return GuestPanicked{crash_loaded, dump_line(data)};
  }
  if (event == "SUSPEND") return GuestSuspended{};
  if (event == "WAKEUP") return GuestWoken{};
  // QEMU reports it at most once a second.
  if (event == "VSERPORT_CHANGE") return agent(flag_at(data, "open"));
  if (event == "BLOCK_IO_ERROR" && text_at(data, "action") == "stop") {
    over_ = true;
    return Lost{fmt::format("the host's disk failed under the guest: {}",
                            printable(text_at(data, "reason", "unknown reason")))};
  }
  if (event == "STOP" && counts_pauses_ && !stopped_at_) stopped_at_ = when;
  if (event == "RESUME" && stopped_at_) paused_ += when - *std::exchange(stopped_at_, std::nullopt);
  // QEMU stops a guest it cannot go on with, such as after KVM's "internal error".
  if (event == "STOP" && !pause_wanted_ && !panicked_ && !debugged_) {
    over_ = true;
    return Lost{"the hypervisor stopped the guest without being asked", Cause::stopped};
  }
  return std::nullopt;
}

Millis Interpreter::paused(std::chrono::microseconds now) const {
  auto all = paused_;
  if (stopped_at_ && !panicked_) all += std::max(now - *stopped_at_, std::chrono::microseconds(0));
  return std::chrono::duration_cast<Millis>(all);
}

Notification Interpreter::reset(bool by_guest, std::chrono::microseconds when) {
  // After a reset from outside SeaBIOS finds its memory used and resets once more by itself, before anything
  // can be printed: still our doing (seen with QEMU 7.2; src/resume.c of SeaBIOS).
  constexpr auto firmware_start = std::chrono::seconds(5);
  if (!by_guest) {
    firmware_may_reset_ = true;
    host_reset_ = when;
  } else if (firmware_may_reset_ && when - host_reset_ < firmware_start) {
    by_guest = false;
  }
  return GuestReset{by_guest};
}

std::optional<Notification> Interpreter::agent(bool up) {
  if (over_ || agent_up_ == up) return std::nullopt;
  agent_up_ = up;
  return AgentLink{up};
}

std::optional<Notification> Interpreter::lifecycle(int event, int detail,
                                                   const std::function<std::string()>& last_words) {
  if (over_ || event != VIR_DOMAIN_EVENT_STOPPED) return std::nullopt;
  over_ = true;
  std::string why =
      fmt::format("the hypervisor process ended without being asked: {}", stopped_because(detail));
  if (const std::string words = last_words(); !words.empty())
    why += fmt::format("; its last words: {}", printable(words));
  return Lost{why, detail == VIR_DOMAIN_EVENT_STOPPED_DESTROYED ? Cause::host : Cause::died};
}

std::optional<Notification> Interpreter::console_ended(const std::string& why) {
  if (over_) return std::nullopt;
  return ConsoleEnded{why};
}

std::optional<Notification> Interpreter::connection_lost(const std::string& why) {
  if (over_) return std::nullopt;
  over_ = true;
  return Lost{why};
}

}  // namespace labctl::machine
