// A host whose every request is written to the diagnostic log, with its duration: each verb of its machines,
// each question to a guest's agent, each sign but the console's bytes. Whatever else the machines can do
// stays as it is.
#pragma once

#include <memory>

#include "labctl/machine/machine.h"

namespace labctl::machine {

std::unique_ptr<Host> logged(std::unique_ptr<Host> host);

}  // namespace labctl::machine
