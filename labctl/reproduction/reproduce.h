// A recorded cell, as whoever wants to bring it back needs it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/bundle/judge.h"
#include "labctl/cell/hold.h"
#include "labctl/outcome/failure.h"

namespace labctl::reproduction {

struct RecordedCell {
  plan::Cell cell;
  event::Journal journal;
  outcome::Outcome outcome;

  const event::Opened& opened() const { return std::get<event::Opened>(journal.events.front().what); }
  outcome::Failure failure() const { return outcome::failure_of(cell, outcome); }
  // When it came to where it is to be held; nothing when it never did.
  std::optional<Millis> reached(const cell::Hold& hold) const;
};

// `id` may be a pattern that only one cell matches. Errors (input): no such cell, or more than one.
Result<plan::Cell> find_cell(const plan::Plan& plan, const std::string& id);

// `id` as above. Errors (input): no such cell, one that was never started, a journal that cannot be read.
Result<RecordedCell> read_recorded(const bundle::RecordedRun& run, const std::filesystem::path& bundle,
                                   const std::string& id);

}  // namespace labctl::reproduction
