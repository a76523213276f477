#include "labctl/host/allocation.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace labctl::host {
namespace {

constexpr std::int64_t largest_given = 1ll << 40;  // MiB, and processors: more is an error

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || value <= 0 || value > largest_given)
    return std::nullopt;
  return value;
}

}  // namespace

Allocation read_allocation(const std::function<const char*(const char*)>& variable) {
  const auto positive = [&](const char* name) -> std::optional<std::int64_t> {
    const char* text = variable(name);
    return text ? whole_number(text) : std::nullopt;
  };
  Allocation allocation{.job = variable("SLURM_JOB_ID") != nullptr};
  allocation.processors = positive("SLURM_CPUS_PER_TASK");
  if (!allocation.processors) allocation.processors = positive("SLURM_CPUS_ON_NODE");
  auto mebibytes = positive("SLURM_MEM_PER_NODE");
  if (const auto each = positive("SLURM_MEM_PER_CPU"); !mebibytes && each && allocation.processors)
    mebibytes = *each * std::min<std::int64_t>(*allocation.processors, 1 << 16);
  if (mebibytes) allocation.memory = static_cast<std::uint64_t>(*mebibytes) << 20;
  return allocation;
}

Limits within(const Allocation& allocation, Limits limits) {
  if (allocation.processors) {
    const auto given = static_cast<double>(*allocation.processors);
    limits.processors = std::min(limits.processors.value_or(given), given);
  }
  if (allocation.memory)
    limits.memory_free = std::min(limits.memory_free.value_or(*allocation.memory), *allocation.memory);
  return limits;
}

}  // namespace labctl::host
