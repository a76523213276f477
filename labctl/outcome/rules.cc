#include "labctl/outcome/rules.h"

namespace labctl::outcome {
namespace {

struct Added {
  int rules;  // the first rule set that has it
  const char* what;
};

// In the order in which a cell is asked.
constexpr Added added[] = {
    {2, "which disk and snapshot the guests started from"},
    {2, "whether the canary was made of this image, on this host and within a week"},
    {2, "whether the proofs of the content hold without it"},
    {2, "whether the console could be heard in each boot"},
    {2, "whether a thread slept in a boot that ended before the kernel's watchdogs could say so"},
    {2, "whether the driver in memory is the delivered build, on the image's own kernel"},
    {2, "whether the driver's services run delivered programs, and are not restarted by themselves"},
    {2, "whether the kernel has the options that the scenario's machine gives it"},
    {2, "whether a hypervisor that ended was taken along by its guest"},
    {2, "whether the kernel's log, read whole, clears a line of a kind that leaves no taint"},
    {2, "which errors without a taint, services that failed and programs that crashed no control shows"},
};

}  // namespace

std::vector<std::string> not_asked(int rules) {
  std::vector<std::string> list;
  for (const auto& [since, what] : added)
    if (rules < since) list.emplace_back(what);
  return list;
}

}  // namespace labctl::outcome
