// A plan in parts that different hosts can run. What must be on one host stays together: all cells of an
// image on a machine, with their control, because a control speaks for its own host and the cells start from
// one snapshot.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/plan/plan.h"

namespace labctl::plan {

struct Shard {
  std::vector<std::string> cells;  // ids, in the plan's order
};

// So many shards with about as many boots each; 0: one for each image on each machine. The same plan gives
// the same shards. Errors (input): more shards than images on machines.
Result<std::vector<Shard>> shards(const Plan& plan, std::size_t wanted);

// The plan of one shard: its cells, and all else as the whole plan has it.
Plan part_of(const Plan& plan, const Shard& shard);

// What is wrong with shards that somebody else wrote down; empty: they hold every cell of the plan once, and
// none divides an image on a machine.
std::string fault_of(const Plan& plan, const std::vector<Shard>& shards);

}  // namespace labctl::plan
