// One command in a guest, waited for: for making snapshots, where no cell watches. Cells put their questions
// through observe::Agent instead.
#pragma once

#include <stop_token>
#include <string>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/machine/machine.h"

namespace labctl::lab {

struct ShellAnswer {
  int exit_code = -1;
  std::string output;
};

Result<ShellAnswer> ask_shell(machine::Machine& machine, const std::string& command, Millis limit,
                              const std::stop_token& stop);

}  // namespace labctl::lab
