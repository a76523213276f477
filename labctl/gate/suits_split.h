// Whether a host may run a shard, asked before anything is started on it.
#pragma once

#include <string>

#include "labctl/gate/shard.h"
#include "labctl/image/store.h"

namespace labctl::gate {

// This program and this host's golden disks are those of the split. Errors (lab).
Status suits_split(const ShardOrder& order, const plan::Plan& part, const std::string& tool_sha256,
                   const image::Store& store);

}  // namespace labctl::gate
