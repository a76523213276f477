// The canary: a cell whose whole story is to be killed on purpose, on the same machine, with the same
// watchers and the same rules as every other. A detector that has not been seen to fire does not count; what
// it proves is that the channels of an image speak on this host, and nothing about a candidate. Pure, as the
// room is.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "labctl/cell/cell.h"

namespace labctl::cell {

// The channels that must report this death; others may.
std::set<event::Channel> due(guest::Crash crash);

// What one killed clone showed.
struct Death {
  guest::Crash crash = guest::Crash::panic;
  // As due(); not the console of an NMI where the panic device tells of a crash kernel (kdump), which is
  // started before a kernel shows what it says out of an NMI.
  std::set<event::Channel> due;
  std::set<event::Channel> spoke;
  std::string title;   // of the first finding that counts, empty when there was none
  std::string reason;  // why the death proves nothing, empty when it does
  bool proved() const { return reason.empty(); }
};

// A cell for begin(): no candidate, no boots wanted. `id` names its records.
plan::Cell canary_cell(const std::string& id, const std::string& image,
                       scenario::Os os = scenario::Os::linux_);

// The story of being killed: healthy at first, then dying, then waited for.
std::vector<Operation> canary_operations(scenario::Os os, guest::Crash crash, const event::Opened& opened);

// From the journal of such a cell. A lab failure, a channel that is due and silent, or a clone that survived
// prove nothing.
Death read_death(const plan::Cell& cell, guest::Crash crash, const std::vector<event::Event>& journal);

}  // namespace labctl::cell
