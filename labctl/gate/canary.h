// Clones of images are crashed on purpose, to see that every detection channel reports it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/gate/environment.h"
#include "labctl/lab/run_cell.h"
#include "labctl/outcome/canary.h"

namespace labctl::gate {

struct CanaryOrder {
  std::vector<std::string> images;  // each on the machine that its build asks for
  std::filesystem::path out;        // journals and consoles; empty: looked at and thrown away
  HostOrder host;
};

// One for each image, proved or not.
Answer<std::vector<outcome::Canary>> prove_channels(const CanaryOrder& order, const Environment& environment,
                                                    Observer& observer);

// For the scheduler of so many clones, which calls it on one thread at a time: says how far they are, at most
// once in each `every`, so that minutes of work are never silent.
lab::Watch canary_watch(std::size_t clones, Observer& observer, Millis every = std::chrono::seconds(30));

}  // namespace labctl::gate
