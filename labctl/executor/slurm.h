// Slurm: an array job, one task for each shard. Its commands and the answers of its programs are values here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/executor/executor.h"

namespace labctl::executor {

// What sbatch is called with.
std::vector<std::string> sbatch_command(const Submission& submission, const std::string& partition);

// The number of the job in what `sbatch --parsable` printed: "17" or "17;cluster".
std::optional<std::string> job_id(std::string_view printed);

// What `squeue --noheader --array --format="%t %r"` printed: a line for each task that is not over.
JobState read_queue(std::string_view printed);

std::unique_ptr<Executor> slurm(std::string partition);

}  // namespace labctl::executor
