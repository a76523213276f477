// How many guests a host carries.
#pragma once

#include <cstdint>
#include <string>

#include "labctl/host/limits.h"

namespace labctl::host {

// How many guests this host carries at once. Half of a cell's life is waiting quietly for its heartbeat to
// hold, so twice as many guests as cores keep the cores busy; memory is the hard limit. The limits of the
// control groups count: in a container the host's cores and memory are not to be had.
struct Capacity {
  unsigned jobs = 1;
  unsigned cores = 1;  // a part of one counts as one
  std::string why;
  std::uint64_t memory_each = 0;  // of such a guest, with its QEMU's own
  std::uint64_t memory_free = 0;
  bool allocated = false;  // a batch system gave this job its own part of the host
};
Capacity capacity(std::uint64_t guest_memory);
// Of a host with so many cores and so much free memory, within these limits.
Capacity capacity(std::uint64_t guest_memory, unsigned cores, std::uint64_t memory, const Limits& limits);

}  // namespace labctl::host
