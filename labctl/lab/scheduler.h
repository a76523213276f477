// Many cells on one host: as many at once as it carries, each with its own thread; lab failures are tried
// again, a guest's failure never.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/lab/run_cell.h"

namespace labctl::lab {

// The records of an attempt that the lab failed stay beside those of the next one, as <folder>.lab-failed-N;
// how many there are, in this run and before it was resumed.
int failed_attempts(const std::filesystem::path& folder);
Status set_failed_aside(const std::filesystem::path& folder);

// Whether a cell may be retried after so many attempts that the lab failed. One that sent more than could be
// read may not: its next attempt could hide a crash that was never read.
bool may_try_again(const outcome::Outcome& outcome, int failed, const scenario::Policy& policy);

// Places for guests that all runs of a user on this host share, as locks in `folder`. A cell holds one of
// `count` while it runs. It holds one of `starting` only until its guest runs: a guest that starts reads its
// disk and its memory as fast as the host can, and many at once would all be late.
struct Slots {
  std::filesystem::path folder = {};
  unsigned count = 0;     // 0: not limited
  unsigned starting = 0;  // 0: not limited
};

// Whether a job may still begin; asked once before it does, from many threads.
using MayBegin = std::function<bool(const CellJob&)>;

// Runs every job that may begin. `watch` is called from many threads, one call at a time.
void run_scheduled(const std::vector<CellJob>& jobs, machine::Host& host, unsigned at_once,
                   const Watch& watch, const std::stop_token& stop, const Slots& slots = {},
                   const MayBegin& may_begin = {});

}  // namespace labctl::lab
