// libvirt's own event loop, registered before the first connection and run for the rest of the process: it
// must not be stopped right after virConnectClose, because closing is finished by the loop itself.
#pragma once

#include "labctl/base/result.h"

namespace labctl::machine {

// Starts it at the first call; later calls give the same answer.
Status start_event_loop();

}  // namespace labctl::machine
