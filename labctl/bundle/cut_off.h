// The records of a cell whose process was killed in the middle. They may end in a torn line, and the console
// may hold what the journal does not: a failure that was seen stays one, whatever is run later.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/crash.h"
#include "labctl/event/event.h"
#include "labctl/plan/plan.h"

namespace labctl::bundle {

struct CutJournal {
  std::string text;        // without a torn last record
  event::Journal journal;  // no events: there is no whole record
};

// Errors (input): what no cut explains.
Result<CutJournal> read_cut_journal(const plan::Cell& cell, const std::filesystem::path& folder);

// Of a journal that did not come to its end. Where its guest had failed, or its console or what it was
// suspected of says so, the journal is closed with that, so that judging finds it, and kept aside as it was;
// true then. Else nothing is changed, and the cell may be run again.
Result<bool> close_if_failed(const plan::Cell& cell, const CutJournal& cut,
                             const std::filesystem::path& folder,
                             const std::vector<crash::Signature>& signatures);

}  // namespace labctl::bundle
