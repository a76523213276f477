// A run that many hosts share: how it is split, and what one of them is ordered to do.
#pragma once

#include <filesystem>

#include "labctl/gate/environment.h"
#include "labctl/outcome/run_record.h"
#include "labctl/outcome/split.h"
#include "labctl/plan/plan.h"

namespace labctl::gate {

struct RunOrder;

struct SplitOrder {
  plan::Plan plan;
  outcome::ScenarioRecord scenario;
  outcome::GivenText waivers;
  std::filesystem::path out;  // must hold no split yet
  std::size_t shards = 0;     // 0: one for each image on each machine
};

// Fixes everything that the shards must have in common, and writes it with the artifacts to `out`. No
// hypervisor is needed. Errors: everything that this host lacks, or mistakes of the order.
Answer<outcome::Split> split_run(const SplitOrder& order, const Environment& environment);

// The order of one shard. Errors (input): the split has no such shard.
Result<RunOrder> shard_order(const outcome::Split& split, int index, const std::filesystem::path& folder);

}  // namespace labctl::gate
