// The stop codes of Windows by name: Microsoft's public list of bug check codes, as far as we are sure of it.
// A code that is not here has no name; a wrong one would send people the wrong way.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace labctl::crash {

struct StopCode {
  std::uint32_t code;
  std::string_view name;
};

std::span<const StopCode> stop_codes();  // sorted by code

std::string_view stop_name(std::uint64_t code);  // empty when unknown
std::optional<std::uint64_t> stop_code(std::string_view name);

// A minidump says 0x1000007E where the screen says 0x7E: it is one stop, the shorter.
std::uint64_t plain_stop(std::uint64_t code);

inline constexpr const char* live_dump = "written of a system that went on: a live dump is not a crash";
// Whether dumps with this code are written of a system that goes on.
bool is_live_dump(std::uint64_t code);

// "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED (0x7E)", or "stop code 0x1234" when it has no name.
std::string stop_title(std::uint64_t code);

// Where the code stood that the stop is about, by what Microsoft says of its parameters. 0 when it does not
// say.
std::uint64_t culprit_address(std::uint64_t code, const std::array<std::uint64_t, 4>& parameters);

}  // namespace labctl::crash
