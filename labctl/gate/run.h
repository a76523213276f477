// The gate itself: a plan is run on this host, and what it left is judged. Called with values, it prints
// nothing and asks nobody.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "labctl/bundle/judge.h"
#include "labctl/gate/environment.h"
#include "labctl/gate/shard.h"
#include "labctl/lab/resume.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"

namespace labctl::gate {

// Which cells' machines are kept as they were before their last step, for a reproduction.
enum class Keep { none, failed, all };

struct RunOrder {
  plan::Plan plan;
  // As run.json records them; artifacts' paths are relative to the folder of scenario.file.
  outcome::ScenarioRecord scenario;
  outcome::GivenText waivers;
  std::optional<lab::Unfinished> before;  // the run that is resumed; its record and plan are the order's
  std::optional<ShardOrder> shard;
  std::filesystem::path out = "reports/runs";  // the bundle goes into it
  unsigned jobs = 0;                           // guests at once; 0: as many as the host carries
  HostOrder host;
  Keep keep = Keep::none;
  bool rerun_controls = false;  // although there are passes of the last days
  bool fail_fast = false;       // after the first guest that fails only controls begin
  int dumps = 0;                // how many failed guests may leave their memory in the bundle
  std::vector<std::filesystem::path> debug_files;  // modules with debug information, for the reports
  // The attestation.json of a judged bundle; none: nothing is signed.
  std::function<Result<std::string>(const bundle::Judged&)> attest = {};
};

struct RunResult {
  std::filesystem::path bundle;
  bundle::Judged judged;
  bool interrupted = false;
  Status is_signed;  // an error: it should have been and was not, so the verdict opens nothing
};

// Errors: nothing was started, or the bundle could not be completed and stays partial.
Answer<RunResult> run(const RunOrder& order, const Environment& environment, Observer& observer);

}  // namespace labctl::gate
