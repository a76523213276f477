// Putting a running guest back to a state that is saved in its disk, in the same hypervisor process: for
// whoever needs thousands of beginnings. A cell needs one, and a hypervisor of its own.
#pragma once

#include "labctl/machine/machine.h"

namespace labctl::machine {

// What not every machine can do.
class Restorable {
 public:
  virtual ~Restorable() = default;
  // The guest goes on from there. Paused or dead by its panic device, it can be put back as well; a
  // hypervisor that has ended cannot. What the console sent before may still arrive. Errors are the lab's.
  virtual Status restore(From from) = 0;
};

// An error where the machine cannot.
Status restore(Machine& machine, From from);

}  // namespace labctl::machine
