#include "labctl/attest/weaker.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "labctl/base/text.h"

namespace labctl::attest {
namespace {

// What candidates' cells show on one image and machine.
struct Shown {
  int boots = 0, together = 0, negative = 0, proofs = 0;
  std::set<std::string> drivers, contents;
};
using Places = std::map<std::pair<std::string, std::string>, Shown>;

Places places_of(const Statement& statement) {
  Places places;
  for (const auto& cell : statement.cells) {
    if (cell.control) continue;
    auto& shown = places[{cell.held.image, cell.held.machine}];
    shown.drivers.insert(cell.held.drivers.begin(), cell.held.drivers.end());
    shown.contents.insert(cell.held.contents.begin(), cell.held.contents.end());
    if (cell.expected) {
      ++shown.negative;
      continue;
    }
    shown.boots += cell.boots_proved;
    shown.together += std::min(cell.held.boots_together, cell.boots_proved);
    shown.proofs += cell.proofs;
  }
  return places;
}

std::string name_of(const Places::key_type& place) {
  return plan::Place{printable(place.first, 120), printable(place.second, 80)}.in_words();
}

class Comparison {
 public:
  std::vector<std::string> weaker;

  void fewer(const std::string& where, const char* what, int now, int before) {
    if (now < before) weaker.push_back(fmt::format("{}: {} {} instead of {}", where, now, what, before));
  }
  void gone(const std::string& where, const char* what, const std::set<std::string>& now,
            const std::set<std::string>& before) {
    for (const auto& name : before)
      if (now.count(name) == 0)
        weaker.push_back(fmt::format("{}: no {} '{}'", where, what, printable(name, 120)));
  }
  // Each as often as it is new.
  void more(const char* what, const std::vector<std::string>& now, const std::vector<std::string>& before) {
    std::multiset<std::string> known(before.begin(), before.end());
    for (const auto& one : now)
      if (const auto old = known.find(one); old != known.end())
        known.erase(old);
      else
        weaker.push_back(
            fmt::format("{} that the earlier run did not have: '{}'", what, printable(one, 160)));
  }
};

}  // namespace

std::vector<std::string> weaker_than(const Statement& now, const Statement& before) {
  Comparison comparison;
  const Places today = places_of(now);
  for (const auto& [place, then] : places_of(before)) {
    const std::string where = name_of(place);
    const auto found = today.find(place);
    if (found == today.end()) {
      comparison.weaker.push_back(fmt::format("{}: not tested", where));
      continue;
    }
    const Shown& shown = found->second;
    comparison.fewer(where, "boots proved", shown.boots, then.boots);
    comparison.fewer(where, "boots with all candidates", shown.together, then.together);
    comparison.fewer(where, "proofs in its cells", shown.proofs, then.proofs);
    comparison.fewer(where, "negative tests", shown.negative, then.negative);
    comparison.gone(where, "driver", shown.drivers, then.drivers);
    comparison.gone(where, "content", shown.contents, then.contents);
  }
  // Waivers are named since rule set 2; of what stood before nothing is known.
  if (before.rules >= 2) comparison.more("a waiver", now.waivers, before.waivers);
  comparison.more("a warning was let pass", now.allowed, before.allowed);
  comparison.more("unproved content", now.unproved, before.unproved);
  if (now.warnings_allowed && !before.warnings_allowed)
    comparison.weaker.emplace_back("its scenario's policy.warnings is 'allow', and was 'fail'");
  return comparison.weaker;
}

}  // namespace labctl::attest
