// A run that many hosts share, fixed before the first of them begins: split.json. It holds the whole plan,
// the program, every artifact and image by its digest, and which shard has which cells. It says nothing of
// what happened: the shards' own records do, and merging compares each with this. reports/split.schema.json
// describes the document.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/outcome/rules.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"
#include "labctl/plan/shards.h"

namespace labctl::outcome {

struct SplitArtifact {
  std::string path;    // as the plan names it
  std::string sha256;  // of what guests are given
  std::uint64_t size = 0;
  std::string
      source_sha256;  // of the file; another one where the content is damaged on purpose, or an archive
  std::string archive = {};  // of content that is an archive: its digest
};

struct SplitImage {
  std::string name;
  std::string sha256;  // of the golden disk
};

struct Split {
  std::string nonce;  // 128 random bits in hex: no two splits are equal
  std::string made;   // UTC
  std::string tool, tool_sha256;
  int rules = rules_now;
  ScenarioRecord scenario;
  GivenText waivers;
  std::vector<SplitArtifact> artifacts;
  std::vector<SplitImage> images;
  plan::Plan plan;
  std::vector<plan::Shard> shards;
  std::string digest = {};  // of all of the above; write_split() and read_split() know it
};

// The digest of what the split says, and the text of split.json, which contains it.
std::string split_digest(const Split& split);
std::string write_split(const Split& split);

// `where` names the file in errors. Errors (input): no JSON, another version, a member that is missing,
// unknown or of another type, a digest that is not that of the rest, shards that do not hold every cell of
// the plan once or that divide an image on a machine.
Result<Split> read_split(std::string_view text, const std::string& where);

// Why a run is not this shard of the split; one sentence each, empty when it is.
std::vector<std::string> objections(const Split& split, int index, const RunRecord& run);

// "shard 3 of 0-3": its number is the one that --index takes.
std::string shard_name(const Split& split, int index);

}  // namespace labctl::outcome
