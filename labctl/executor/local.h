// This host: one shard after the other, each a process of its own.
#pragma once

#include <memory>

#include "labctl/executor/executor.h"

namespace labctl::executor {

std::unique_ptr<Executor> local();

}  // namespace labctl::executor
