// SHA-256, the one digest of labctl, as 64 lower-case hex digits.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "labctl/base/result.h"

namespace labctl {

std::string sha256(std::string_view bytes);
bool is_sha256(std::string_view text);

// Reads the whole file in blocks. Errors: cannot open or read, not a regular file.
Result<std::string> sha256_file(const std::filesystem::path& path);

// The same for what is left to read of an open file; `path` is how errors call it.
Result<std::string> sha256_rest(int fd, const std::filesystem::path& path);

}  // namespace labctl
