// The folder that holds a run. Written as *.partial, renamed when whole; everything that a verdict stands on
// is in it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "labctl/base/files.h"
#include "labctl/base/result.h"
#include "labctl/outcome/run_record.h"

namespace labctl::bundle {

class Bundle {
 public:
  // <out>/<UTC time>-<scenario>.partial, which nobody else has.
  static Result<Bundle> create(const std::filesystem::path& out, const std::string& scenario);

  // The bundle of a run that did not come to its end, to be gone on with. It gets its partial name again, and
  // what had been derived from an earlier end (verdict, reports, attestation) is kept aside in it. Errors
  // (input): another labctl is at work on it.
  static Result<Bundle> reopen(const std::filesystem::path& folder);

  // <shards>/<index>.attempt-<K>.partial with the first K that nobody has; the folder's name says it.
  static Result<Bundle> create_attempt(const std::filesystem::path& shards, int index);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path cell_folder(const std::string& id) const { return folder_ / "cells" / id; }

  std::filesystem::path canary_folder() const { return folder_ / "canary"; }

  // run.json: what was run, with what, on what. Written at the start and again, with `faults`, at the end.
  Status write_run(const outcome::RunRecord& run);

  // A file beside run.json.
  Status add(const std::string& name, const std::string& content);

  // Gives the folder its final name, which comes back.
  Result<std::filesystem::path> close();

 private:
  Status take();
  static Result<bool> claim(Bundle& bundle, const std::filesystem::path& whole);

  std::filesystem::path folder_;
  std::optional<Lock> lock_;  // nobody else goes on with it meanwhile
};

// Now, as run.json says it: "2026-11-22T02:35:09Z".
std::string utc_now();

// The first of <beside>-1, <beside>-2 ... that is not there: old evidence is put aside, never over other.
std::filesystem::path free_name(const std::filesystem::path& beside);

}  // namespace labctl::bundle
