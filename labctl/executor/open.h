// An executor by the word that people have for it.
#pragma once

#include <memory>
#include <string>

#include "labctl/executor/executor.h"

namespace labctl::executor {

// "local", "slurm" or "slurm:PARTITION". Errors (input): another word, or the scheduler's programs are not
// installed.
Result<std::unique_ptr<Executor>> open(const std::string& word);

}  // namespace labctl::executor
