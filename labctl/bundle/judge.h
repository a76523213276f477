// A recorded run read again, and its verdict. Nothing here has a machine, a clock or a thread: any host can
// judge any bundle.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/event/event.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/verdict.h"

namespace labctl::bundle {

// What a bundle says was run. Errors (input): no bundle, and what read_run_record() refuses.
struct RecordedRun {
  outcome::RunRecord record;
  std::string sha256;  // of the bytes of run.json
};
Result<RecordedRun> read_run(const std::filesystem::path& folder);

// A bundle's verdict, from its plan and journals alone. This is the only way to a verdict: `run` ends with
// it, and `judge` is nothing else. Errors (input): no bundle, another version, a plan that cannot be read.
struct Judged {
  outcome::RunRecord run;
  std::string run_sha256;  // of the bytes of run.json
  verdict::Verdict verdict;
  std::string verdict_json;  // the bytes of verdict.json
  // Where the bundle contradicts itself: a journal whose chain is broken or that is another cell's, a guest
  // that was given other bytes than run.json names. A journal that was cut off at its end does not.
  std::vector<std::string> contradictions;
};
Result<Judged> judge_bundle(const std::filesystem::path& folder);

// Whether the verdict.json in the folder is what its events give. One that is missing is not (error: lab).
Status check_verdict_json(const std::filesystem::path& folder, const Judged& judged);

// Behind the name of a cell's folder, before a number: what another attempt of the same shard recorded of it,
// in a merged run. A failure of its guest counts.
inline constexpr const char* other_attempt = ".other-attempt-";

// The journal of one cell in its folder; another cell's is refused.
Result<event::Journal> read_cell_journal(const plan::Cell& cell, const std::filesystem::path& folder);

}  // namespace labctl::bundle
