// Controls that passed are kept between runs and reused for a week, as canaries are: for the same image,
// machine, story, signatures, host and labctl. A reused one supports a pass. It has not seen the host as it
// is, so it cannot confirm a failure: where a guest failed beside it, the control runs again.
#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"
#include "labctl/lab/run_cell.h"

namespace labctl::trust {

class ControlCache {
 public:
  // `tool` is the digest of this labctl, `host` HostFacts::fingerprint, `signatures` the text of the
  // author's; the age of records is reckoned by the clock.
  ControlCache(std::filesystem::path cache, std::string tool, std::string host, std::string signatures,
               std::function<std::time_t()> clock);

  // Puts the records of a control that passed into the job's folder, with a word where they come from. False:
  // there is none that can be reused, and nothing was put there.
  Result<bool> take(const lab::CellJob& job) const;

  // The records of a control that ran in the run of this name. If it did not pass, what was kept before
  // is not reused any more either.
  Status keep(const lab::CellJob& job, const std::string& run) const;

 private:
  std::string key(const lab::CellJob& job) const;

  std::filesystem::path cache_;
  std::string tool_, host_, signatures_;
  std::function<std::time_t()> clock_;
};

// The jobs whose kept records do not do, with these put aside.
Result<std::vector<lab::CellJob>> set_aside_for_rerun(const std::vector<lab::CellJob>& jobs,
                                                      const std::vector<std::string>& ids);

}  // namespace labctl::trust
