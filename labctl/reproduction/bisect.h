// The hands of a bisect: one recorded cell lived again and again, each time with a driver and a content of
// somebody's choice, and content made of some of its records. What to ask next is search/'s business.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/crash.h"
#include "labctl/image/image.h"
#include "labctl/lab/run_cell.h"
#include "labctl/machine/machine.h"
#include "labctl/outcome/failure.h"
#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"
#include "labctl/reproduction/reproduce.h"

namespace labctl::reproduction {

struct ProbeStand {
  plan::Cell cell;          // cut, with the files that were found
  outcome::Failure wanted;  // what a probe must show to count as the same
  snapshot::Ground ground;
  std::vector<crash::Signature> signatures;
  bool from_content = false;      // a probe may begin before the first step that has to do with the content
  std::filesystem::path records;  // each probe's journal and console, in a folder of its own
  std::filesystem::path work;
};

struct ProbeSeen {
  bool same = false;
  bool restored = false;  // behind its driver's installation; else it lived from the beginning
  Millis took{0};         // here and now
  outcome::Outcome outcome;
};

class Probes {
 public:
  Probes(ProbeStand stand, machine::Host& host, const image::Store& store, std::stop_token stop)
      : stand_(std::move(stand)), host_(host), store_(store), stop_(std::move(stop)) {}

  // One life of the cell. What the lab failed is tried again, as the scenario's policy says; errors are what
  // it failed to the last, and an interruption.
  Result<ProbeSeen> live(const std::filesystem::path& driver, const std::filesystem::path& content);
  int lived() const { return lived_; }

 private:
  // A guest with one driver in it, before the content has any part in its life. All probes with this driver
  // begin there, and get their content then.
  struct Base {
    lab::Checkpoint checkpoint;
    std::filesystem::path disk;
  };
  lab::CellJob job_of(const plan::Cell& cell, const lab::CellSupplies& supplies,
                      const std::string& name) const;
  Result<const Base*> base_of(const plan::Cell& cell, const lab::CellSupplies& supplies);

  ProbeStand stand_;
  machine::Host& host_;
  const image::Store& store_;
  std::stop_token stop_;
  int lived_ = 0;
  std::map<std::string, std::optional<Base>> bases_;  // by the driver's digest; none: it cannot be had
};

// Whether nothing of the recorded failure can have happened before the first step that has to do with the
// content, so that a life that begins there shows it as well.
bool fails_from_content(const RecordedCell& recorded);

// ---- content, taken apart by the scenario's own commands ----

// `folder` is the scenario's. Errors (input): the command fails, prints no record, one twice or too many.
Result<std::vector<std::string>> read_records(const scenario::Split& split,
                                              const std::filesystem::path& content,
                                              const std::filesystem::path& folder);

// The file with just these records, in `work`.
Result<std::filesystem::path> make_subset(const scenario::Split& split, const std::filesystem::path& content,
                                          const std::vector<std::string>& kept,
                                          const std::filesystem::path& folder,
                                          const std::filesystem::path& work);

// Why a bundle's recorded scenario must not give commands to this host: it lies in the bundle, is not here,
// or has another text than the run's. Empty: its user may be asked.
std::string why_no_commands(const outcome::ScenarioRecord& recorded, const std::filesystem::path& bundle);

// Whether the commands of this scenario's text depend on the values of its variables. Those of a recorded run
// are the bundle's, so a trusted scenario may not carry them to this host's shell unseen.
bool holds_recorded_values(const std::string& text, scenario::Variables variables,
                           const scenario::Split& split);

}  // namespace labctl::reproduction
