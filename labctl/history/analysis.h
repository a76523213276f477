// What a list of results means: since when a cell is red, how often it changes its mind, how long things
// take. Pure; nothing here knows where the results are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/interval.h"

namespace labctl::history {

// One result of one cell that says something about the candidate: it passed or its guest failed. What the lab
// failed, what was never lived and a control kept from another run are no results.
struct CellResult {
  std::int64_t run = 0, tested = 0;  // keys
  bool passed = false;
};

struct Standing {
  enum class Colour { unknown, green, red } colour = Colour::unknown;
  // Of a red cell: the first result since it passed last, and that pass. Of a green one: since when, and the
  // last failure. Positions in the list.
  std::optional<std::size_t> since, before;
};
const char* to_string(Standing::Colour colour);

// `results` are in the order of time.
Standing standing_of(const std::vector<CellResult>& results);

// How often one of several repeated attempts failed, with the interval of its true share at 95 %.
struct Share {
  int failed = 0, n = 0;
  Interval interval() const { return wilson(failed, n, in_95_of_100); }
};

// The value that the share `q` of the values does not exceed; the smallest such one, 0 of none.
std::int64_t quantile(std::vector<std::int64_t> values, double q);

}  // namespace labctl::history
