#include "labctl/base/result.h"

namespace labctl {

std::string Error::text() const {
  std::string text = where.empty() ? what : where + ": " + what;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

}  // namespace labctl
