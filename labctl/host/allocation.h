// What a batch system has given this process of the host's processors and memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "labctl/host/limits.h"

namespace labctl::host {

// The part of a host that a batch system has given this job, which it need not enforce. Slurm says it in the
// environment: SLURM_CPUS_PER_TASK or else SLURM_CPUS_ON_NODE, and SLURM_MEM_PER_NODE or SLURM_MEM_PER_CPU in
// MiB. What is not a number above 0 is no limit.
struct Allocation {
  bool job = false;  // this is a batch job: its part of the host is shared with no other job
  std::optional<std::int64_t> processors = {};
  std::optional<std::uint64_t> memory = {};  // bytes
};
// `variable` gives the value of an environment variable, null where there is none.
Allocation read_allocation(const std::function<const char*(const char*)>& variable);

// The tighter of both, for each of processors and memory.
Limits within(const Allocation& allocation, Limits limits);

}  // namespace labctl::host
