// What a file that is no log is, by its first bytes. It proves nothing about what follows: a guest chooses
// the first bytes of its console. Text in another encoding is not recognised.
#pragma once

#include <cstddef>
#include <string_view>

namespace labctl::crash {

// "an ELF file", "a gzip archive"; empty for what may be a log. Needs the first 8 bytes.
std::string_view binary_kind(std::string_view head);

// What to do with a file of that kind instead.
std::string_view binary_hint(std::string_view kind);

}  // namespace labctl::crash
