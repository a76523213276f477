// Whether a minifilter sees anything: its service may run while no instance of it is attached, or one at an
// altitude where others see the requests before it does. What the Filter Manager lists decides.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

constexpr std::size_t most_named = 8;

// "C:@385100|\Device\Mup@385100"
std::vector<std::string> listed(const guest::Facts& facts, const char* key) {
  std::vector<std::string> all;
  for (const auto& one : split(fact(facts, key), '|'))
    if (!one.empty()) all.push_back(one);
  return all;
}

bool has_instance(const guest::Facts& facts, const scenario::Filter& filter) {
  const auto all = listed(facts, "instances");
  return std::find(all.begin(), all.end(), filter.volume + "@" + filter.altitude) != all.end();
}

// "WdFilter@328010": the first of those that must be there and is not.
std::string missing_beside(const guest::Facts& facts, const scenario::Filter& filter) {
  const auto all = listed(facts, "beside");
  for (const std::string& name : filter.beside)
    if (std::none_of(all.begin(), all.end(), [&](const auto& one) { return one.starts_with(name + "@"); }))
      return name;
  return {};
}

std::string in_words(std::vector<std::string> all, const char* otherwise) {
  if (all.empty()) return otherwise;
  if (all.size() > most_named) all.resize(most_named);
  return printable(join(all, ", "), 300);
}

}  // namespace

// One that waits for the next boot is not in this one.
void CellMachine::judge_filter(const guest::Facts& facts) {
  if (s_.modules[operation().subject].pending) return;
  const scenario::Filter& filter = *s_.cell.guest.driver.filter;
  const std::string name = fmt::format("the minifilter {}", operation().subject);
  if (fact(facts, "filter") != "loaded")
    return fail(Ending::not_loaded,
                fmt::format("{} is not loaded: the Filter Manager does not list it", name));
  const std::string missing = missing_beside(facts, filter);
  if (has_instance(facts, filter) && missing.empty()) return;
  if (has_instance(facts, filter))
    return fail(Ending::not_loaded,
                fmt::format("the filter {} is not attached beside {}, as the scenario wants it; there is {}",
                            missing, name, in_words(listed(facts, "beside"), "no other filter")));
  fail(Ending::not_loaded,
       fmt::format("{} has no instance at altitude {} on {}; it is attached as {}, beside {}", name,
                   filter.altitude, filter.volume, in_words(listed(facts, "instances"), "nothing"),
                   in_words(listed(facts, "beside"), "no other filter")));
}

// Not attached yet.
bool CellMachine::lacks_filter(const guest::Facts& facts) const {
  const auto module = s_.modules.find(operation().subject);
  if (module != s_.modules.end() && module->second.pending) return false;
  const scenario::Filter& filter = *s_.cell.guest.driver.filter;
  return fact(facts, "filter") != "loaded" || !has_instance(facts, filter) ||
         !missing_beside(facts, filter).empty();
}

}  // namespace labctl::cell
