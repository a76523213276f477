// A made-up year of a lab, with what a history should find in it known beforehand: regressions on known days,
// cells that change their mind on the same bytes, a lab that fails. The same seed gives the same year.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "labctl/history/entry.h"

namespace labctl::history {

struct YearSize {
  int runs = 2000, images = 10, drivers = 5;  // images x drivers cells a run
};

struct PlantedRegression {
  std::string cell, began, last_good;  // of the first failing run, and of the last one that passed
  std::string changed;                 // the column of `tested` that changed between them
};

struct Year {
  std::vector<PlantedRegression> regressions;
  std::vector<std::string> flakes;    // cells
  std::vector<std::string> lab_sick;  // cells that the lab failed now and then, and nobody else
};

// Calls `add` for each run in the order of time; an error ends it.
Result<Year> make_year(const YearSize& size, const std::function<Status(const Entry&)>& add);

// The run `n` of an otherwise empty history: one cell that passes.
Entry small_entry(int n);

}  // namespace labctl::history
