// What becomes of a crash that a hunt found: it is seen again or not, made small, and given a scenario.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/gate/fuzz_folder.h"
#include "labctl/gate/fuzz_makers.h"
#include "labctl/gate/observer.h"
#include "labctl/lab/trial_guest.h"
#include "labctl/plan/plan.h"
#include "labctl/search/search.h"

namespace labctl::gate {

class CrashFinisher {
 public:
  CrashFinisher(const plan::Cell& cell, const std::vector<std::string>& driver, const std::string& good,
                const AuthorsCommands& commands, lab::TrialGuest& guest, Observer& observer)
      : cell_(cell), driver_(driver), good_(good), commands_(commands), guest_(guest), observer_(observer) {}

  // Writes minimal.bin, known.bin and scenario.yaml beside its content when it was seen again; what it is now
  // is in `crash`. Errors: the lab's, an interruption.
  Status finish(FuzzCrash& crash);

 private:
  Result<bool> shows(const FuzzCrash& crash, const std::string& content);
  Result<std::string> smaller(FuzzCrash& crash, const std::string& content, const search::Tally& seen);
  Result<std::optional<std::string>> by_records(FuzzCrash& crash, const search::Tally& seen);
  Result<std::string> by_edits(FuzzCrash& crash, const std::string& content, const search::Tally& seen);

  const plan::Cell& cell_;
  const std::vector<std::string>& driver_;
  const std::string& good_;
  const AuthorsCommands& commands_;
  lab::TrialGuest& guest_;
  Observer& observer_;
};

}  // namespace labctl::gate
