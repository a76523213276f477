#include "labctl/history/analysis.h"

#include <algorithm>
#include <cmath>

namespace labctl::history {

const char* to_string(Standing::Colour colour) {
  switch (colour) {
    case Standing::Colour::unknown:
      return "unknown";
    case Standing::Colour::green:
      return "green";
    case Standing::Colour::red:
      return "red";
  }
  return "unknown";
}

Standing standing_of(const std::vector<CellResult>& results) {
  if (results.empty()) return {};
  const bool passed = results.back().passed;
  std::size_t since = results.size() - 1;
  while (since > 0 && results[since - 1].passed == passed) --since;
  Standing standing{passed ? Standing::Colour::green : Standing::Colour::red, since, {}};
  if (since > 0) standing.before = since - 1;
  return standing;
}

std::int64_t quantile(std::vector<std::int64_t> values, double q) {
  if (values.empty()) return 0;
  const double rank = std::ceil(q * static_cast<double>(values.size()));
  const auto index =
      static_cast<std::size_t>(std::clamp(rank - 1, 0.0, static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  return values[index];
}

}  // namespace labctl::history
