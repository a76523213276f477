#include "labctl/host/needs.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/units.h"
#include "labctl/host/capacity.h"

namespace labctl::host {
namespace {

constexpr std::uint64_t room_to_grow = 512ull << 20;  // what a guest writes to its own disk

}  // namespace

Needs needs_of(const plan::Plan& plan, unsigned jobs) {
  const std::uint64_t memory = plan.largest_memory();
  const Capacity host = capacity(memory);
  Needs needs{.memory = host.memory_each};
  needs.at_once =
      static_cast<unsigned>(std::min<std::size_t>(jobs == 0 ? host.jobs : jobs, plan.cells.size()));
  // A snapshot holds a part of the guest's memory.
  needs.disk = needs.at_once * (memory / 4 + room_to_grow);
  return needs;
}

Space free_space_for_guests(const Paths& paths) {
  const auto where = work_folder(paths).parent_path();
  return {.memory = capacity(0).memory_free, .disk = free_space(where).value_or(0), .where = where};
}

std::vector<Check> check_needs(const Needs& needs, const Space& free) {
  const std::string guests = needs.at_once == 1 ? "a guest" : fmt::format("{} guests at once", needs.at_once);
  Check disk{"disk for the matrix",
             Health::ok,
             fmt::format("{} may need {}, {} free in {}", guests, show_size(needs.disk), show_size(free.disk),
                         free.where.string()),
             {}};
  if (free.disk < needs.disk) {
    disk.health = Health::error;
    disk.fix = "labctl gc, run with a smaller --jobs, or set LABCTL_CACHE to a larger disk";
  }
  Check memory{"memory for the matrix",
               Health::ok,
               fmt::format("a guest and its QEMU may need {}, {} free", show_size(needs.memory),
                           show_size(free.memory)),
               {}};
  if (free.memory < needs.memory) {
    memory.health = Health::warning;
    memory.fix = "end what else runs here, or give the scenario's machine less memory";
  }
  return {disk, memory};
}

}  // namespace labctl::host
