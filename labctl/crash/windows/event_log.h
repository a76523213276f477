// What Windows has written down of its own crashes: events of the System log as `wevtutil qe System /f:xml`
// prints them, and a list of dumps. A guest's word: read strictly, and what it leaves out proves nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"

namespace labctl::crash {

// Titles that say that something happened and not what.
inline constexpr std::string_view dump_there = "a crash dump in the guest";
inline constexpr std::string_view stop_screen = "a stop screen";
inline constexpr std::string_view unclean_shutdown = "an unclean shutdown told by the event log";

// A stop by its code: the same title as it has on a console.
Finding stop_finding(std::uint64_t code, const std::array<std::uint64_t, 4>& parameters);

// Event 1001 of WER-SystemErrorReporting, 41 of Kernel-Power (with a code: a stop; without: an unclean
// shutdown), 6008 of EventLog, and lines "dump=PATH|BYTES|TIME". As warnings, "live=PATH|BYTES|TIME|CODE":
// reports that Windows keeps of what it recovered from. At most a few dozen findings, each title
// once.
std::vector<Finding> read_event_log(std::string_view text);

}  // namespace labctl::crash
