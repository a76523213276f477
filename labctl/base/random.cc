#include "labctl/base/random.h"

#include <sys/random.h>

namespace labctl {

std::string random_hex(std::size_t bytes) {
  constexpr char hex[] = "0123456789abcdef";
  std::string digits;
  while (digits.size() < 2 * bytes) {
    unsigned char byte = 0;
    if (getrandom(&byte, 1, 0) != 1) continue;  // a signal came
    digits += hex[byte >> 4];
    digits += hex[byte & 15];
  }
  return digits;
}

}  // namespace labctl
