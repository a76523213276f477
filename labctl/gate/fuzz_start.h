// Where a hunt begins: a cell's machine behind "driver installed, content applied once", saved in its disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "labctl/gate/environment.h"
#include "labctl/gate/fuzz_folder.h"
#include "labctl/lab/trial_guest.h"
#include "labctl/plan/plan.h"

namespace labctl::gate {

struct StartOrder {
  const plan::Plan& plan;
  std::string scenario;  // its file
  std::string cell;      // a pattern; empty: the first with a candidate's driver and content
  std::uint64_t seed = 1;
  std::size_t most_bytes = 1u << 20;
};

struct FuzzStart {
  plan::Cell cell;                  // its story ends behind the content's application
  std::vector<std::string> driver;  // its files, absolute
  std::string good;                 // the known content
  lab::TrialSetup trials;
  HuntFacts facts;
};

// Errors (input): nothing matches, or it is none that can be hunted in.
Result<plan::Cell> find_hunted(const plan::Plan& plan, const std::string& pattern,
                               const std::string& scenario);

// `work` must live as long as what it gives. Errors (input): an artifact is missing, too large or not good;
// (lab) the cell does not come there.
Answer<FuzzStart> prepare_start(const StartOrder& order, machine::Host& host,
                                const std::filesystem::path& work, const Environment& environment,
                                Observer& observer);

}  // namespace labctl::gate
