// The boot of a guest that nobody has seen boot yet: before its live snapshot is made, and while an imported
// image is prepared. Every wait ends: with the sign that was waited for, or with a reason and the console's
// last lines. Not for cells, which have a state machine and are judged.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/guest/guest.h"
#include "labctl/image/image.h"
#include "labctl/machine/machine.h"

namespace labctl::snapshot {

// How long a guest may take when nothing is known of it on this host, on its own clock.
struct Patience {
  Millis boot = std::chrono::minutes(15);   // power-on to an agent that answers
  Millis quiet = std::chrono::minutes(5);   // without an agent and without a new byte on the console
  Millis settle = std::chrono::minutes(5);  // until its services have come up
  Millis word = std::chrono::seconds(30);   // from the kernel's log to the console
};

class FirstBoot {
 public:
  // `log` keeps the console; `progress` receives a line now and then.
  FirstBoot(std::filesystem::path log, image::Progress progress, std::stop_token stop, Patience patience = {},
            scenario::Os os = scenario::Os::linux_);
  ~FirstBoot();
  FirstBoot(const FirstBoot&) = delete;
  FirstBoot& operator=(const FirstBoot&) = delete;

  // Powers it on and waits for its agent; the time that took on the guest's own clock.
  Result<Millis> boot(machine::Host& host, const machine::Spec& spec);
  // Until its services have come up and nothing fatal was seen.
  Status settle();
  // Candidates come on a CD: its drive must be there, with its driver.
  Status prove_drive();
  // What its kernel says must be seen: a guest whose console is muted would crash unnoticed.
  Status prove_console();
  // The answer of a command that must succeed.
  Result<std::string> ask(const std::string& command, Millis limit);
  // Tells it to power itself off and waits until it has.
  Status power_off();
  Status save();
  void end() { machine_.reset(); }
  machine::Machine& machine() { return *machine_; }

 private:
  class Console;
  tl::unexpected<Error> failed(const std::string& what, const std::string& hint = {}) const;

  std::unique_ptr<Console> console_;  // outlives the machine that writes to it
  std::unique_ptr<machine::Machine> machine_;
  image::Progress progress_;
  std::stop_token stop_;
  Patience patience_;
  scenario::Os os_;
};

}  // namespace labctl::snapshot
