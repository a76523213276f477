// The channels of every image on every machine, proved on this host before its cells count: clones of the
// very snapshot that cells start from are killed on purpose, each in its own way, and watched as every cell
// is. What they showed is kept with its journals and reused for a week, for the same image, host and
// labctl.
#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/image/image.h"
#include "labctl/lab/run_cell.h"
#include "labctl/outcome/canary.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::trust {

struct CanaryOrder {
  std::vector<snapshot::BaseSnapshot>
      bases;  // one per image and machine; those with an equal shape share their clones
  // In here, <image>[.machine-<label>].json, and the folders with journal and console that it names.
  std::filesystem::path records;
  std::filesystem::path cache;  // where proofs are kept between runs
  std::filesystem::path work;   // for the clones' disks
  std::string tool;             // the digest of this very labctl
  std::string host;             // HostFacts::fingerprint
  bool again = false;           // although there is a proof that still holds
  std::function<std::time_t()> clock = [] { return std::time(nullptr); };  // for the age of proofs
};

// Runs the clones' cells to their ends: run_scheduled() with everything but the jobs filled in.
using Scheduler = std::function<void(const std::vector<lab::CellJob>&)>;

// Errors are the lab's: records that cannot be written, an interruption. A canary that proves nothing is no
// error; it comes back as such, and nothing of it is kept for the next run.
Result<std::vector<outcome::Canary>> prove_channels(const CanaryOrder& order, const Scheduler& scheduler,
                                                    const image::Progress& progress,
                                                    const std::stop_token& stop);

}  // namespace labctl::trust
