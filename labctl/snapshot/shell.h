// One command in a guest, waited for: for making snapshots and for people, where no cell waits for the
// answer. Cells put their questions through observe::Agent instead.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/guest/guest.h"
#include "labctl/machine/machine.h"

namespace labctl::snapshot {

struct ShellAnswer {
  int exit_code = -1;
  std::string output;
};

// `meanwhile` is called several times a second; false gives up.
Result<ShellAnswer> ask_shell(machine::Machine& machine, const std::string& command, Millis limit,
                              const std::stop_token& stop, const std::function<bool()>& meanwhile = {},
                              scenario::Os os = scenario::Os::linux_);

}  // namespace labctl::snapshot
