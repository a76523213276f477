// What a run does otherwise that is one shard of a split.
#pragma once

#include <filesystem>
#include <string>

#include "labctl/base/result.h"
#include "labctl/bundle/bundle.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/outcome/run_record.h"
#include "labctl/outcome/split.h"

namespace labctl::gate {

// Of a run that is one shard of a split: its bundle goes to the split's folder, and it gets no verdict, no
// attestation and no reports. The order's plan and record are those of the split.
struct ShardOrder {
  outcome::Split split;
  int index = 0;
  std::filesystem::path folder;  // with split.json in it
  std::string node;              // what this host is called
};

// The artifacts as the split kept them. Errors: one is not there, or has other bytes.
Result<lab::StagedArtifacts::Sources> kept_sources(const ShardOrder& order);
// Errors (lab): what this host would run is not what the split fixed.
Status fits_split(const ShardOrder& order, const outcome::RunRecord& run);
// Its folder beside those of the other shards; the record says which attempt it is.
Result<bundle::Bundle> begin_attempt(const ShardOrder& order, outcome::RunRecord& run);

}  // namespace labctl::gate
