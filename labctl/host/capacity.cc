#include "labctl/host/capacity.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/host/allocation.h"

namespace labctl::host {
namespace {

// QEMU's own memory beside the guest's: translated code, device state, page tables. Measured below 300 MiB.
constexpr std::uint64_t overhead = 384ull << 20;

std::uint64_t available_memory() {
  auto text = read_file("/proc/meminfo");
  if (!text) return 0;
  for (const auto& line : split(*text, '\n'))
    if (line.rfind("MemAvailable:", 0) == 0) return std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
  return 0;
}

}  // namespace

Capacity capacity(std::uint64_t guest_memory) {
  const auto allocation = read_allocation([](const char* name) { return std::getenv(name); });
  auto found = capacity(guest_memory, std::max(1u, std::thread::hardware_concurrency()), available_memory(),
                        within(allocation, read_limits()));
  found.allocated = allocation.job;
  return found;
}

Capacity capacity(std::uint64_t guest_memory, unsigned cores, std::uint64_t memory, const Limits& limits) {
  const bool fewer = limits.processors && *limits.processors < cores;
  const bool less = limits.memory_free && *limits.memory_free < memory;
  const double processors = fewer ? *limits.processors : cores;
  if (less) memory = *limits.memory_free;
  Capacity result{.cores = std::max(1u, static_cast<unsigned>(std::ceil(processors))),
                  .memory_each = guest_memory + overhead,
                  .memory_free = memory};
  const auto by_memory = static_cast<unsigned>(std::min<std::uint64_t>(memory / result.memory_each, 1000));
  result.jobs = std::max(1u, std::min(static_cast<unsigned>(2 * processors), by_memory));
  result.why = std::to_string(cores) + (cores == 1 ? " core, " : " cores, ");
  if (fewer) {
    char share[32];
    std::snprintf(share, sizeof share, "%.1f of ", processors);
    result.why = share + result.why;
  }
  result.why += fmt::format("{} of memory free", show_size(memory));
  if (fewer || less) result.why += ", within the limits of the control group or the batch job";
  return result;
}

}  // namespace labctl::host
