// May it be published? Outcomes of cells in, one verdict out. Knows nothing of how an outcome came about.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/outcome/canary.h"
#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/allowed.h"
#include "labctl/verdict/weigh.h"

namespace labctl::verdict {

enum class Decision { passed, blocked, no_verdict };

struct Verdict {
  Decision decision = Decision::no_verdict;
  std::vector<std::string> reasons;     // never empty unless passed
  std::size_t reasons_of_cells = 0;     // the first so many are of one cell each, the others of the run
  std::vector<outcome::Outcome> cells;  // in the plan's order; lab-failed where a control did not pass
  std::vector<outcome::Canary> canaries;
  std::vector<std::string> wants_rerun;  // reused controls that must run again before a failure counts
  std::vector<WaiverUse> waivers;
  bool waived = false;  // passed, and would not have without a waiver
  std::vector<Weakness> weaker;
  std::vector<NewError> new_errors;  // listed; they block only where the scenario says so
  bool warned() const { return decision == Decision::passed && (waived || !weaker.empty()); }
  bool nothing_ran = false;
  bool interrupted = false;

  int exit_code() const;  // 0 passed, 1 blocked, 3 no verdict, 4 nothing ran, 130 interrupted
};

// Passed needs a positive proof: every cell of the plan has exactly one outcome, every outcome is passed with
// as many boots proved as wanted, more than none and no finding that blocks, or is the crash that the
// scenario expects there; on every image and machine where a candidate appears, a cell that passed has booted
// with all candidates together; every image has a control that passed too (a kept one does, where no guest
// failed) and a canary that every channel reported, and no cell was left out of the plan. `run_faults` are
// complaints about the run as a whole (an artifact that changed meanwhile); any of them excludes passed.
Verdict judge(const plan::Plan& plan, const std::vector<outcome::Outcome>& outcomes,
              const std::vector<outcome::Canary>& canaries, const std::vector<std::string>& run_faults = {});

const char* to_string(Decision decision);

// verdict.json, format version 1.
Json to_json(const Verdict& verdict, const plan::Plan& plan);

}  // namespace labctl::verdict
