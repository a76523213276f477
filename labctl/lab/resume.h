// A run that did not come to its end, gone on with: what was finished is kept, what was cut off begins again
// with its old evidence kept aside, what never began is run. A cell whose guest had failed before the cut is
// finished: nothing here may cancel a failure.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/lab/run_cell.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"

namespace labctl::lab {

// What a bundle says of its run, read without changing anything.
struct Unfinished {
  std::filesystem::path folder;
  outcome::RunRecord record;  // as it was when the run began
};

// The folder, or the name it would have had when whole. Errors (input): no bundle, or a run that did end.
Result<Unfinished> read_unfinished(const std::filesystem::path& folder);

// Where two records do not mean the same run: one sentence each, none when they do. The verdict would be of
// neither otherwise.
std::vector<std::string> differences(const outcome::RunRecord& recorded, const outcome::RunRecord& now);

// What a run that was cut off left of one cell.
enum class Left {
  nothing,   // it was never started
  cut_off,   // it did not come to its end
  retrying,  // the lab failed it, and may try again
  finished,  // whatever the outcome
};
// The journal is judged as it stands, without a last record that was torn in the middle. Errors (input): a
// journal that no cut explains.
Result<Left> what_is_left(const plan::Cell& cell, const std::filesystem::path& folder,
                          const std::vector<crash::Signature>& signatures);

// The jobs whose cells must still run. What was cut off or is tried again is put aside, beside what comes;
// the record of a failure is closed, so that judging finds it.
struct Missing {
  std::vector<CellJob> jobs;
  int kept = 0, cut_off = 0;
};
Result<Missing> still_missing(std::vector<CellJob> jobs);

}  // namespace labctl::lab
