// The folder of a split: split.json, the artifacts by digest, and what the shards left. Many hosts write to
// it, each to a folder of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/judge.h"
#include "labctl/crash/crash.h"
#include "labctl/outcome/split.h"
#include "labctl/verdict/merge.h"

namespace labctl::bundle {

inline constexpr const char *split_name = "split.json", *split_artifacts = "artifacts",
                            *split_shards = "shards";

// Errors (input): no split, or one that read_split() refuses.
Result<outcome::Split> read_split_file(const std::filesystem::path& file);

// Every attempt of every shard, in the order of their names. `judged`: whole ones are judged, so that it is
// known whether their labs failed; that reads all of their journals. `only`: of this shard alone.
std::vector<verdict::ShardAttempt> read_attempts(const std::filesystem::path& shards, bool judged = false,
                                                 std::optional<int> only = std::nullopt);

struct MergeOrder {
  std::filesystem::path split_file;
  std::filesystem::path out;                 // the bundle goes into it
  std::vector<crash::Signature> signatures;  // of the plan's signature file
  // The attestation.json of the judged bundle; none: nothing is signed.
  std::function<Result<std::string>(const Judged&)> attest = {};
};

struct MergeResult {
  std::filesystem::path bundle;
  Judged judged;
  Status is_signed;             // an error: it should have been and was not
  std::vector<Error> problems;  // reports that could not be written
};

// One bundle of all shards, judged as every other. What is absent or refused is said in its record and takes
// a pass from it. The shards' folders stay as they are. Errors: no split, or the bundle cannot be written.
Result<MergeResult> merge_shards(const MergeOrder& order);

}  // namespace labctl::bundle
