// The header of a Windows crash dump (MEMORY.DMP, a minidump): which stop it was, and the driver it blames.
// The first megabyte of the file is all that is looked at, and all of it is a guest's word: bounded, never
// trusted. Not a debugger: no symbols, no unwinding, no memory.
//
// Layouts: DUMP_HEADER64 and DUMP_HEADER32 as QEMU's win_dump_defs.h, volatility3 and kdmp-parser agree on
// them; the triage part of minidumps from public headers, and as it was seen in two dumps of real machines
// (builds 19041 and 22000).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"

namespace labctl::crash {

struct Dump {
  std::string type;         // "minidump", "kernel dump" ...
  std::uint32_t build = 0;  // of Windows
  std::uint64_t code = 0;   // of the stop
  std::array<std::uint64_t, 4> parameters{};
  std::string driver;  // the one that the dump blames, or whose code the stop names; empty when unknown
  std::string place;   // "sensor.sys+0x10f2": where the stop names an address in a driver that does not come
                       // with Windows
  // Drivers that do not come with Windows and into which words of its stack point, "sensor.sys+0x1014", the
  // innermost first: what a stop without an address leaves of the way to it. They may have returned long ago.
  std::vector<std::string> involved;
  std::string corrupted;  // why it cannot be trusted, empty when it can
};

constexpr std::size_t dump_head = 1u << 20;  // bytes of the file that read_dump() looks at, at most

// Whether a file that begins so is one at all; eight bytes are enough.
bool is_dump(std::string_view head);

// Where in its file a minidump has the four bytes that say that it was written to its end; nothing for other
// files. They may lie behind what read_dump() looks at.
std::optional<std::uint64_t> end_mark_of(std::string_view head);

// `size`: of the whole file. `mark`: the four bytes at end_mark_of(), where they lie behind `head`. Nothing
// when it is no dump; one that is cut short or makes no sense says so in `corrupted`.
std::optional<Dump> read_dump(std::string_view head, std::uint64_t size, std::string_view mark = {});

// As a finding: the same title as the same stop has on a console. A live dump is no crash, and suppressed.
Finding finding_of(const Dump& dump);

}  // namespace labctl::crash
