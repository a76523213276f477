// The hands of a bisect: one recorded cell lived again and again, each time with a driver and a content of
// somebody's choice, and content made of some of its records. What to ask next is search/'s business.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/crash.h"
#include "labctl/image/image.h"
#include "labctl/lab/ground.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/verdict.h"

namespace labctl::lab {

// How the recorded cell ended: what a probe must show to count as the same.
struct Wanted {
  verdict::Ending ending = verdict::Ending::crashed;
  std::string title;  // of its first finding that counts; empty when there is none
  int boot = 0;       // of the guest's lives, the one in which it happened
  std::string excerpt = {};
};
Wanted wanted_of(const verdict::Outcome& outcome);
bool is_same(const Wanted& wanted, const verdict::Outcome& outcome);

// The cell with its story cut behind the life in which it happened: later boots say nothing about it.
plan::Cell cut_story(plan::Cell cell, int boot);

struct ProbeStand {
  plan::Cell cell;  // cut, with the files that were found
  Wanted wanted;
  Ground ground;
  std::vector<crash::Signature> signatures;
  std::filesystem::path records;  // each probe's journal and console, in a folder of its own
  std::filesystem::path work;
};

struct ProbeSeen {
  bool same = false;
  verdict::Outcome outcome;
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
  ProbeStand stand_;
  machine::Host& host_;
  const image::Store& store_;
  std::stop_token stop_;
  int lived_ = 0;
};

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

}  // namespace labctl::lab
