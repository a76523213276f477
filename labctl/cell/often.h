// How often a cell fails, of so many attempts from the same moment. Pure, as the room is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "labctl/base/json.h"
#include "labctl/cell/cell.h"

namespace labctl::cell {

// The share that may be meant by `hits` of `times`, in 95 of 100 cases (Wilson's interval): honest for few
// attempts, and for none and all of them.
struct Interval {
  double low = 0, high = 1;
};
Interval wilson(int hits, int times);

struct Often {
  std::string wanted;  // the title that is looked for
  int times = 0;       // attempts that say something: the lab's failures do not
  int same = 0;        // failed with this title
  int lab_failed = 0;
  std::map<int, int> boots;           // of the same: boot -> how often
  std::map<std::string, int> others;  // other failures by their titles
  Interval interval() const { return wilson(same, times); }
};
Often count(const plan::Cell& cell, const std::string& wanted, const std::vector<verdict::Outcome>& attempts);

// "it crashed 7 of 20 times (35 %, 18 to 57 % with 95 % confidence), always in boot 2, always '...'".
std::string in_words(const Often& often);
Json to_json(const Often& often);

}  // namespace labctl::cell
