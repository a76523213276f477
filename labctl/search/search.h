// What makes it crash? Asks an oracle, as few times as will do, and says how sure the answer is. Knows
// nothing of guests: a run is a function that says whether it crashed, and a story in a test is one.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::search {

struct Tally {
  int crashed = 0, runs = 0;
  void add(bool crash) {
    crashed += crash ? 1 : 0;
    ++runs;
  }
};

// How probable it is that the two rates are not one, when before any run that was an even chance. It may be
// looked at after every run: stopping when it is high enough makes it no less true.
double confidence(const Tally& with, const Tally& without);

// How many times something must survive in a row before it is called innocent, when what is guilty crashes as
// often as in `guilty`: once when that never survived; else until a mistake in one of `decisions` is less
// likely than 1 - level.
int survivals_needed(const Tally& guilty, double level, int decisions);

struct Criteria {
  double level = 0.95;     // how sure an answer must be
  int most_runs = 40;      // of one thing, before it stays undecided
  int most_probes = 150;   // things that are tried, before what is left is reported as it is
  bool none_runs = false;  // without any of the records there is still a content, which can be asked about
};

// Runs what is known to have crashed until it has done so three times; as often as `most_runs` allows when it
// does not.
Result<Tally> how_often(const std::function<Result<bool>()>& run, const Criteria& criteria);

// ---- driver against content ----

// Who is needed for the crash: a new version of one crashes with both versions of the other.
enum class Blame { content, driver, both_together, each_alone, neither };
const char* to_string(Blame blame);

struct Versions {
  bool old_driver = false, old_content = false;
  bool operator<(const Versions& other) const {
    return std::pair(old_driver, old_content) < std::pair(other.old_driver, other.old_content);
  }
};

struct Square {
  std::map<Versions, Tally> corners;  // those that had to be asked
  Blame blame = Blame::neither;
  double sure = 0;
};

// `guilty`: how often the new versions together crash.
Result<Square> compare_versions(const Tally& guilty, const std::function<Result<bool>(Versions)>& run,
                                const Criteria& criteria = {});

// ---- inside the content ----

using Records = std::vector<std::size_t>;  // ascending
using Run = std::function<Result<bool>(const Records& kept)>;

struct Probe {
  Records kept;
  Tally tally;
};

struct Cause {
  Records records;    // none of them can be left out
  Tally alone;        // with these records and no others
  double sure = 0;    // that they, and not the rest, are it
  bool whole = true;  // false: most_probes ended the search, and fewer records may do
};

struct Answer {
  std::vector<Cause> causes;  // each crashes by itself
  Tally rest;                 // without any of them
  bool more = false;          // and there are others still: the rest crashes too
  std::vector<Probe> probes;  // what was asked, in order
};

// The smallest parts of `records` records that crash by themselves, when all of them together do as often as
// `guilty`. One bad record among n takes log2(n) probes and two more that prove it.
Result<Answer> find_causes(std::size_t records, const Tally& guilty, const Run& run,
                           const Criteria& criteria = {});

}  // namespace labctl::search
