// A part of what a guest said on its console, from the bundle's console.log, which may be as long as it
// likes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::bundle {

struct ConsolePart {
  std::uint64_t first_line = 0;    // counted from 1; 0: not known
  std::vector<std::string> lines;  // as the guest sent them, each at most longest_line bytes
};
inline constexpr std::size_t longest_line = 2000;

// Up to `lines` lines before the line that begins at `offset` and has this number, that line, and up to
// `lines` after it. Reads a bounded part of the file. Errors (input): no such file, not a plain one, shorter
// than that.
Result<ConsolePart> read_console_at(const std::filesystem::path& file, std::uint64_t offset,
                                    std::uint64_t line, std::size_t lines);

// The last so many lines. The same errors.
Result<ConsolePart> read_console_end(const std::filesystem::path& file, std::size_t lines);

}  // namespace labctl::bundle
