// Many shards' records, one run: which attempt of each shard counts, and why the whole cannot pass. Pure:
// what was found in the shards' folders in, what the merged run's record says out. It judges no cell; that is
// done on the merged bundle, by the function that judges every other.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "labctl/outcome/run_record.h"
#include "labctl/outcome/split.h"
#include "labctl/verdict/verdict.h"

namespace labctl::verdict {

// How far an attempt came, by its folder and its record.
enum class Progress {
  at_work,      // its process holds the folder
  silent,       // it did not end, and no process holds it: killed, or its host is gone
  interrupted,  // it was asked to stop, and ended
  whole,
};
const char* to_string(Progress progress);

// One attempt of one shard, as it was found.
struct ShardAttempt {
  std::string folder;  // its name, from which the next two are
  int index = 0, attempt = 1;
  Progress progress = Progress::silent;
  bool begun = true;            // false: it has written nothing yet
  std::string unreadable = {};  // why its run.json cannot be read; then the rest is empty
  outcome::RunRecord record = {};
  std::string run_sha256 = {};
  std::set<std::string> journals = {};  // cells that have one
  std::set<std::string> canaries = {};  // outcome::Canary::name() of those that have a record
  bool lab_failed = false;              // whole, and not one cell's guest failed, but its lab did
  std::string last_sign = {};           // when its folder last changed, in UTC; shown, and nothing else
};

struct Merged {
  outcome::RunRecord record;  // of the whole; its faults say why it cannot pass
  struct Source {
    int index = 0, attempt = 1;
    std::string folder;
    bool used = false;   // else its cells' records go beside, as other attempts
    bool whole = false;  // else its cells may have been cut off in the middle
  };
  std::vector<Source> sources;  // by index, then by attempt
};

// All attempts count: of each shard the last whole one is used, and failures of guests in all others stand
// beside it, where judging finds them. What an earlier attempt lacks, because it was cut off or its lab
// failed, a later one may bring; a last attempt that is not whole is a fault. So is every shard that is
// absent, whatever is there twice, and whatever is not of this split.
Merged merge(const outcome::Split& split, const std::vector<ShardAttempt>& attempts);

// What `shard run` ends with, of the verdict that its cells alone would give: 0 when every cell passed or is
// the crash that is expected there, 1 when a guest failed, 3, 4 and 130 as in Verdict::exit_code().
int shard_exit_code(const Verdict& verdict);

// Shards that must be submitted again before merging can give a verdict: those that never began, and those
// whose last attempt is neither at work nor whole, or whose lab failed. In ascending order.
std::vector<int> missing(const outcome::Split& split, const std::vector<ShardAttempt>& attempts);

}  // namespace labctl::verdict
