#include "labctl/plan/damage.h"

#include <algorithm>

namespace labctl::plan {

std::string damaged(std::string bytes, scenario::Damage damage) {
  constexpr std::size_t oversize = 16u << 20;
  switch (damage) {
    case scenario::Damage::none:
      break;
    case scenario::Damage::truncated:
      bytes.resize(bytes.size() / 2);
      break;
    case scenario::Damage::empty:
      bytes.clear();
      break;
    case scenario::Damage::zero:
      bytes.assign(bytes.size(), '\0');
      break;
    case scenario::Damage::flipped:
      if (bytes.empty()) break;
      bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
      break;
    case scenario::Damage::oversized: {
      if (bytes.empty()) break;
      const std::string once = bytes;
      const std::size_t size = std::max(oversize, 2 * once.size());
      while (bytes.size() < size) bytes += once;
      bytes.resize(size);
      break;
    }
  }
  return bytes;
}

}  // namespace labctl::plan
