// What the verbs say that are about shards of a split.
#pragma once

#include <string>

#include "labctl/base/json_fwd.h"
#include "labctl/bundle/shards.h"
#include "labctl/cli/signer.h"

namespace labctl::cli {

// Of an attempt that is whole or was interrupted: how its cells ended. `code`: what `shard run` ends with.
Json shard_json(const outcome::RunRecord& run, const verdict::Verdict& verdict, int code,
                const std::string& bundle);
std::string shard_text(const outcome::Split& split, int index, const verdict::Verdict& verdict);

// The attempt that says how far a shard has come: its last; nullptr: there is none.
const verdict::ShardAttempt* last_of(const std::vector<verdict::ShardAttempt>& attempts, int index);
// "shard 1 of 0-3: at work since ... (attempt 1, node-7)", and the same for programs.
std::string status_line(const outcome::Split& split, int index, const verdict::ShardAttempt* last);
Json status_json(int index, const verdict::ShardAttempt* last);

// Merges, tells the verdict and gives the exit code; complains by itself.
int merge_shards(const std::string& split_file, const std::string& out, bool json,
                 const SigningOptions& signing);

}  // namespace labctl::cli
