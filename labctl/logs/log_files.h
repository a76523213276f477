// Logs as they lie about: plain or compressed, in a folder that a crash left (/var/crash, pstore), in parts
// that belong together.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::logs {

struct LogFile {
  std::string name;                // as it is shown
  std::vector<std::string> parts;  // files, in the order of what they hold; nearly always one
};

// `path` itself, or the regular files below it, sorted; links are not followed. The parts in which a kernel
// left one log in pstore are one. At most 4096 files.
Result<std::vector<LogFile>> log_files(const std::string& path);

// What was read of a stream.
struct Unpacked {
  bool decoded = false;   // `text` was called
  bool too_long = false;  // more than 1 GiB came out: the rest is left out
};

// Reads the rest of `input`, which begins with `head`. `raw` is called with the bytes as they are, `text`
// with what they decompress to (gzip, xz, zstd, bzip2, lz4, lzma), if they do, or are in UTF-8, if they are
// UTF-16.
Unpacked read_log(std::FILE* input, std::string_view head, const std::function<void(std::string_view)>& raw,
                  const std::function<void(std::string_view)>& text);

}  // namespace labctl::logs
