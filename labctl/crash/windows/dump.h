// The header of a Windows crash dump (MEMORY.DMP, a minidump): which stop it was, and the driver it blames.
// The first megabyte of the file is all that is looked at, and all of it is a guest's word: bounded, never
// trusted. Not a debugger: no symbols, no stacks, no memory.
//
// Layouts: DUMP_HEADER64 and DUMP_HEADER32 as QEMU's win_dump_defs.h, volatility3 and kdmp-parser agree on
// them; the triage part of minidumps from public headers only. No dump of a real Windows was there to try it
// on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"

namespace labctl::crash {

struct Dump {
  std::string type;         // "minidump", "kernel dump" ...
  std::uint32_t build = 0;  // of Windows
  std::uint64_t code = 0;   // of the stop
  std::array<std::uint64_t, 4> parameters{};
  std::string driver;     // the one that the dump blames, or whose code the stop names; empty when unknown
  std::string corrupted;  // why it cannot be trusted, empty when it can
};

constexpr std::size_t dump_head = 1u << 20;  // bytes of the file that read_dump() looks at, at most

// Whether a file that begins so is one at all; eight bytes are enough.
bool is_dump(std::string_view head);

// `size`: of the whole file. Nothing when it is no dump; one that is cut short or makes no sense says so in
// `corrupted`.
std::optional<Dump> read_dump(std::string_view head, std::uint64_t size);

// As a finding: the same title as the same stop has on a console. A live dump is no crash, and suppressed.
Finding finding_of(const Dump& dump);

}  // namespace labctl::crash
