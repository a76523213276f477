#include "labctl/lab/memory_dump.h"

#include <fmt/core.h>

#include "labctl/base/files.h"
#include "labctl/base/log.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::lab {

void dump_memory(machine::Machine& machine, std::uint64_t memory, const fs::path& folder) {
  const fs::path file = folder / "memory.kdump";
  const std::uint64_t free = free_space(folder).value_or(0);
  const Status dumped =
      free < 2 * memory
          ? lab_error(
                fmt::format("not enough disk space for a dump: {} free, {} wanted, twice the guest's memory",
                            show_size(free), show_size(2 * memory)))
          : machine::dump(machine, file);
  if (dumped) return;
  std::error_code ignored;
  fs::remove(file, ignored);
  log::ignored(write_file(folder / "no-dump.txt", dumped.error().text() + "\n"), "writing no-dump.txt");
}

}  // namespace labctl::lab
