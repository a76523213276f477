// What libvirt and QEMU report about one guest, as Signs. Pure: it knows what was asked for, and from that
// what the guest did on its own and what happened to the lab.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/machine/machine.h"

namespace labctl::machine {

class Interpreter {
 public:
  // An event of QEMU's monitor with its time and JSON details (qapi/run-state.json, qapi/block-core.json).
  std::optional<Notification> monitor(std::string_view event, std::string_view details,
                                      std::chrono::microseconds when);

  // The console printed something.
  void printed() { firmware_may_reset_ = false; }

  // Only changes are signs: libvirt also reports "not connected" at every start.
  std::optional<Notification> agent(bool up);

  // A VIR_DOMAIN_EVENT_ID_LIFECYCLE event. `last_words` is asked only when the hypervisor died.
  std::optional<Notification> lifecycle(int event, int detail,
                                        const std::function<std::string()>& last_words);

  // The console's stream has ended; whether that matters is known a moment later, when the reason had time to
  // arrive.
  std::optional<Notification> console_ended(const std::string& why);

  std::optional<Notification> connection_lost(const std::string& why);

  void end_wanted() { over_ = true; }
  void pause_wanted(bool wanted) { pause_wanted_ = wanted; }
  void debugged() { debugged_ = true; }

  // From now on: how long the guest was stopped, in all.
  void count_pauses() { counts_pauses_ = true; }
  Millis paused(std::chrono::microseconds now) const;
  bool over() const { return over_; }

 private:
  Notification reset(bool by_guest, std::chrono::microseconds when);

  bool over_ = false;          // the last sign about the machine's life was given, or its end is ours
  bool pause_wanted_ = false;  // we stopped it ourselves
  bool debugged_ = false;      // somebody may
  bool counts_pauses_ = false;
  std::optional<std::chrono::microseconds> stopped_at_;
  std::chrono::microseconds paused_{0};
  bool panicked_ = false;  // on_crash=preserve pauses it
  bool agent_up_ = false;
  bool firmware_may_reset_ = false;
  std::chrono::microseconds host_reset_{0};
};

}  // namespace labctl::machine
