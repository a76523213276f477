// What a failed cell's end is known by, so that another life of the cell can be asked whether it ended in the
// same way. Pure, as the room is.
#pragma once

#include <string>

#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"

namespace labctl::outcome {

struct Failure {
  Ending ending = Ending::crashed;
  std::string title;         // of the finding that stands for it, see below; empty when there is none
  std::string reason = {};   // the outcome's
  int boot = 0;              // of the guest's lives, the one in which it happened
  std::string excerpt = {};  // the finding's

  // What people call it.
  const std::string& name() const { return title.empty() ? reason : title; }
};

// Its first fatal finding that counts stands for an outcome, else the first that counts at all.
Failure failure_of(const plan::Cell& cell, const Outcome& outcome);

// A finding of the same title counts there too; what ended without a finding ends so again.
bool is_same(const Failure& failure, const plan::Cell& cell, const Outcome& outcome);

// The cell with its story cut behind this life of its guest: later boots say nothing about it.
plan::Cell cut_story(plan::Cell cell, int boot);

}  // namespace labctl::outcome
