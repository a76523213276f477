// The folder that holds a run. Written as *.partial, renamed when whole; everything that a verdict stands on
// is in it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/result.h"
#include "labctl/event/event.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/verdict.h"

namespace labctl::lab {

class Bundle {
 public:
  // <out>/<UTC time>-<scenario>.partial, which nobody else has.
  static Result<Bundle> create(const std::filesystem::path& out, const std::string& scenario);

  // The bundle of a run that did not come to its end, to be gone on with. It gets its partial name again, and
  // what had been derived from an earlier end (verdict, reports, attestation) is kept aside in it. Errors
  // (input): another labctl is at work on it.
  static Result<Bundle> reopen(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path cell_folder(const std::string& id) const { return folder_ / "cells" / id; }

  std::filesystem::path canary_folder() const { return folder_ / "canary"; }

  // run.json: what was run, with what, on what. Written at the start and again, with `faults`, at the end.
  Status write_run(const Json& run);

  // A file beside run.json.
  Status add(const std::string& name, const std::string& content);

  // Gives the folder its final name, which comes back.
  Result<std::filesystem::path> close();

 private:
  Status take();

  std::filesystem::path folder_;
  std::optional<Lock> lock_;  // nobody else goes on with it meanwhile
};

// What a bundle says was run: run.json, and the plan in it. Errors (input): no bundle, another version, a
// plan that cannot be read.
struct RecordedRun {
  plan::Plan plan;
  Json record;         // run.json
  std::string sha256;  // of its bytes
};
Result<RecordedRun> read_run(const std::filesystem::path& folder);

// Where the run's scenario lay, of run.json's "scenario": its whole path, which an older bundle does not
// have.
std::filesystem::path scenario_file(const Json& recorded);

// A bundle's verdict, from its plan and journals alone. This is the only way to a verdict: `run` ends with
// it, and `judge` is nothing else. Errors (input): no bundle, another version, a plan that cannot be read.
struct Judged {
  plan::Plan plan;
  verdict::Verdict verdict;
  std::string verdict_json;  // the bytes of verdict.json
  Json run;                  // run.json, and the digest of its bytes
  std::string run_sha256;
};
Result<Judged> judge_bundle(const std::filesystem::path& folder);

// Whether the verdict.json in the folder is what its events give. One that is missing is not (error: lab).
Status check_verdict_json(const std::filesystem::path& folder, const Judged& judged);

// Now, as run.json says it: "2026-11-22T02:35:09Z".
std::string utc_now();

// The first of <beside>-1, <beside>-2 ... that is not there: old evidence is put aside, never over other.
std::filesystem::path free_name(const std::filesystem::path& beside);

// The journal of one cell in its folder; another cell's is refused.
Result<event::Journal> read_cell_journal(const plan::Cell& cell, const std::filesystem::path& folder);

}  // namespace labctl::lab
