// The memory of a guest that failed, as a file beside its journal for whoever debugs it. Not part of a
// verdict.
#pragma once

#include <cstdint>
#include <filesystem>

#include "labctl/machine/machine.h"

namespace labctl::lab {

// Writes memory.kdump into `folder`, or no-dump.txt with the reason why there is none. `memory` is the
// guest's, in bytes; twice as much must be free.
void dump_memory(machine::Machine& machine, std::uint64_t memory, const std::filesystem::path& folder);

}  // namespace labctl::lab
