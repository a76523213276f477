// Where the reproduction of a cell is to hold, so that somebody can take the guest over. Pure, as the room
// is: a place is a number of operations that are left of the story, because how a story begins depends on the
// machine and how it goes on does not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/cell/cell.h"

namespace labctl::cell {

struct Hold {
  int left = 0;      // for event::Opened
  std::string step;  // what comes next, in words
};

// Before the first operation of a step, called as progress displays call it ("exercise", "boot 2/3: settle").
// Errors (input): no such step, with those that there are.
Result<Hold> hold_at(const plan::Cell& cell, const event::Opened& opened, const std::string& step);

// Where a failed cell's journal went wrong.
enum class Nearness {
  step,       // before the step of the story in which it did: behind the last whole one
  operation,  // before the very command, boot or wait
};
// Errors (input): the journal holds no failure of the guest's.
Result<Hold> hold_before_failure(const plan::Cell& cell, const std::vector<event::Event>& journal,
                                 Nearness nearness);

// Before the first step that has to do with the cell's own content: until there its life is the same with any
// other. Nothing when there is no such step, or nothing before it.
std::optional<Hold> hold_before_content(const plan::Cell& cell, const event::Opened& opened);

// Before the next operation from here, for going on one by one; 0 behind the last.
int next_hold(const State& held);

}  // namespace labctl::cell
