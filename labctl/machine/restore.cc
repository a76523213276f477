#include "labctl/machine/restore.h"

namespace labctl::machine {

Status restore(Machine& machine, From from) {
  auto* restorable = dynamic_cast<Restorable*>(&machine);
  return restorable != nullptr ? restorable->restore(from)
                               : Status(lab_error("this machine cannot be put back to a saved state"));
}

}  // namespace labctl::machine
