// Chance that nobody can guess, of the kernel's.
#pragma once

#include <cstddef>
#include <string>

namespace labctl {

// Two lower-case hexadecimal digits for each byte.
std::string random_hex(std::size_t bytes);

}  // namespace labctl
