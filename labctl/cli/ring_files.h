// Files that verbs about rings read: rings.yaml, and the folder in which halts are looked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/cli/trusted.h"
#include "labctl/rings/plan.h"
#include "labctl/rings/promotion.h"

namespace labctl::cli {

struct PlanFile {
  rings::Plan plan;
  std::string sha256;
  std::size_t ring = 0;  // the one that was asked for
};

// Says what is wrong by itself and gives nothing when there is a mistake, or no such ring.
std::optional<PlanFile> load_rings(const std::string& file, const std::string& ring);

// The halts among the .json files of the folder that are about all these bytes, in words. Errors (input): the
// folder or a file in it cannot be read, or is not a halt by a key of the rings: what stands where halts are
// looked for, and is none, may be one that somebody damaged.
Result<std::vector<std::string>> halts_in(const std::string& folder, const Trusted& ring_keys,
                                          const std::vector<attest::Resource>& artifacts, std::int64_t now);

}  // namespace labctl::cli
