// libvirt detaches every QEMU from us and then waits for it to vanish, zombies included. Whose child it
// became decides how long that takes: the init process of many containers reaps late or never, and then
// libvirt waits 40 s for each guest and for each of its probes (seen with libvirt 9.0).
#pragma once

namespace labctl::machine {

// From now on detached QEMUs become our children, and a thread reaps what was detached as it ends.
void adopt_detached_qemus();

}  // namespace labctl::machine
