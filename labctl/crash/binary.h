// What a file that is no log is, by its first bytes. A log in another encoding is not told from text.
#pragma once

#include <cstddef>
#include <string_view>

namespace labctl::crash {

// "an ELF file", "a gzip archive"; empty for what may be a log. Needs the first 8 bytes.
std::string_view binary_kind(std::string_view head);

}  // namespace labctl::crash
