#include "labctl/verdict/rules.h"

namespace labctl::verdict {
namespace {

struct Added {
  int rules;  // the first rule set that has it
  const char* what;
};

// In the order in which a cell is asked.
constexpr Added added[] = {
    {2, "whether the proofs of the content hold without it"},
    {2, "whether the console could be heard in each boot"},
    {2, "whether a thread slept in a boot that ended before the kernel's watchdogs could say so"},
};

}  // namespace

std::vector<std::string> not_asked(int rules) {
  std::vector<std::string> list;
  for (const auto& [since, what] : added)
    if (rules < since) list.emplace_back(what);
  return list;
}

}  // namespace labctl::verdict
