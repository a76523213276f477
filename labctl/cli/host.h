// What the verbs share that run guests on this host.
#pragma once

#include <functional>
#include <string>

#include "labctl/base/log.h"
#include "labctl/gate/environment.h"

namespace labctl::cli {

class Verb;

// --connect and --accel, how much of the diagnostic log standard error shows, and how cells at work are
// shown.
struct HostChoice {
  std::string connect = "qemu:///embed";
  std::string accel = "auto";
  std::string log_level = "off";
  bool verbose = false;
  std::string progress = "auto";

  void add_to(Verb& verb);
  gate::HostOrder order() const;
  log::Level least_shown() const;
  bool draws() const;  // cells as a live view instead of lines
};

// Calls the gate with this host as its environment and with the terminal as an observer; an interruption is
// told and asks it to stop. Gives the exit code of `call`.
using Call = std::function<int(const gate::Environment&, gate::Observer&)>;
int on_this_host(const HostChoice& choice, const char* when_interrupted, const Call& call,
                 const machine::HostOpener& open_host = machine::open_host);

}  // namespace labctl::cli
