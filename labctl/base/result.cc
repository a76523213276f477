#include "labctl/base/result.h"

#include <fmt/core.h>

namespace labctl {

std::string Error::text() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!hint.empty()) text += fmt::format("\n  hint: {}", hint);
  return text;
}

}  // namespace labctl
