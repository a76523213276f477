// How often a cell fails, of so many attempts from the same moment. Pure, as the room is.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "labctl/base/interval.h"
#include "labctl/base/json_fwd.h"
#include "labctl/outcome/failure.h"

namespace labctl::cell {

struct Often {
  outcome::Failure wanted;  // what is looked for
  int times = 0;            // attempts that say something: the lab's failures do not
  int same = 0;             // failed in this way
  int lab_failed = 0;
  std::map<int, int> boots;           // of the same: boot -> how often
  std::map<std::string, int> others;  // other failures by their titles
  // Where the true share lies in 95 of 100 cases.
  Interval interval() const { return wilson(same, times, in_95_of_100); }
};
Often count(const plan::Cell& cell, const outcome::Failure& wanted,
            const std::vector<outcome::Outcome>& attempts);

// "it crashed 7 of 20 times (35 %, 18 to 57 % with 95 % confidence), always in boot 2, always '...'".
std::string in_words(const Often& often);
Json to_json(const Often& often);

}  // namespace labctl::cell
