// What control groups leave to this process of the host's processors and memory: a container's limits, or a
// service's. Groups of version 2 and of version 1, each with those above it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace labctl::host {

struct Limits {
  std::optional<double> processors;  // none: as many as the host has
  std::optional<std::uint64_t>
      memory_free;  // bytes below the nearest limit, what can be dropped counted as free
};

// `root` is where proc and sys are.
Limits read_limits(const std::filesystem::path& root = "/");

// How many processes the kernel has killed for want of memory, in our control groups and on the whole host.
// Only a difference means anything: one that has grown says that there was such a kill.
std::uint64_t kills_for_memory(const std::filesystem::path& root = "/");

}  // namespace labctl::host
