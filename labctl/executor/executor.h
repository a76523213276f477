// Who runs the shards of a split: this host, one after the other, or a scheduler that is there. It is asked
// to begin, to say what goes on, and to stop. What became of a shard is read from its folder, and never from
// here: a scheduler knows of its jobs, and nothing of their records.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::executor {

struct Submission {
  std::filesystem::path program;     // labctl, where every host finds it
  std::filesystem::path split_file;  // where every host finds it
  std::filesystem::path logs;        // a folder for what the shards print, one file each
  std::vector<int> shards;
  std::vector<std::string> options;  // of 'shard run', behind its own
  unsigned processors = 0;           // that each shard needs; 0: what the scheduler gives by default
};

// What the executor says of what was submitted; for people, but for `over`.
struct JobState {
  bool over = false;  // nothing of it is waiting or running
  std::string text;   // "2 running, 1 pending (Resources)"
};

class Executor {
 public:
  virtual ~Executor() = default;
  // Once for each object. How people call it comes back: "Slurm job 17".
  virtual Result<std::string> submit(const Submission& submission) = 0;
  virtual Result<JobState> watch() = 0;
  // Asks the shards to stop; they are gone when watch() says that it is over.
  virtual Status cancel() = 0;
};

// "2,5", as sbatch and people take it.
std::string array_of(const std::vector<int>& shards);

}  // namespace labctl::executor
