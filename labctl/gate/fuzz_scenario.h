// A scenario for one crash that a hunt found, in the folder of its file: as the hunted cell, with the crash's
// content as the candidate. Text from values.
#pragma once

#include <string>
#include <vector>

#include "labctl/plan/plan.h"

namespace labctl::gate {

struct FoundContent {
  std::string title;     // of the crash
  std::string file;      // relative to the scenario, as the other one, or absolute
  std::string good;      // what is applied before it
  bool by_apply = true;  // false: it is placed, and the driver meets it at the next boot
  bool at_boot = false;  // it took a reboot
};

// `driver`: the absolute paths of its files, in the order of the hunted scenario.
std::string scenario_text(const plan::Cell& cell, const std::vector<std::string>& driver,
                          const FoundContent& found);

}  // namespace labctl::gate
