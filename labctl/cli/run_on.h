// labctl run --on: a run of many hosts, from the scenario to the verdict.
#pragma once

#include <string>
#include <vector>

#include "labctl/cli/host.h"
#include "labctl/cli/signer.h"
#include "labctl/gate/split.h"

namespace labctl::cli {

struct OnOptions {
  std::string executor;  // executor::open()
  std::string resume;    // the folder of a split that was begun; empty: `order` is split
  std::string out;       // the bundle goes into it, and the folder of the split
  gate::SplitOrder order = {};
  std::vector<std::string> shard_options = {};  // of each 'shard run'
  HostChoice host = {};
  SigningOptions signing = {};
};

// Splits, submits the shards, shows how they go on, merges and tells the verdict; gives the exit code. An
// interruption cancels the shards and keeps what they left.
int run_on(const OnOptions& options);

}  // namespace labctl::cli
