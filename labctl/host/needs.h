// What a matrix needs of this host while it runs, and whether that is there. doctor, plan and validate ask
// before a run, the run itself at its beginning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "labctl/host/doctor.h"
#include "labctl/plan/plan.h"

namespace labctl::host {

struct Needs {
  unsigned at_once = 1;      // guests
  std::uint64_t memory = 0;  // of the largest guest, with its QEMU's own
  std::uint64_t disk = 0;    // of all that run at once: each a copy of its snapshot, and what it writes
};

// `jobs`: guests at once, 0 for as many as this host carries.
Needs needs_of(const plan::Plan& plan, unsigned jobs = 0);

struct Space {
  std::uint64_t memory = 0, disk = 0;
  std::filesystem::path where = {};  // the disk
};
Space free_space_for_guests(const Paths& paths);

// Memory is a warning: a guest seldom uses all of its own. Disk is an error: the run would refuse to begin.
std::vector<Check> check_needs(const Needs& needs, const Space& free);

}  // namespace labctl::host
