// Judging for those who need the journals too, so that none is read twice.
#pragma once

#include <filesystem>
#include <functional>

#include "labctl/base/result.h"
#include "labctl/cell/cell.h"
#include "labctl/event/event.h"
#include "labctl/plan/plan.h"

namespace labctl::bundle {

struct Judged;  // judge.h

// Called with each cell's journal that could be read whole, and the steps that it went through, in the plan's
// order.
using OnJournal =
    std::function<void(const plan::Cell&, const event::Journal&, std::vector<cell::StepTaken> steps)>;
Result<Judged> judge_bundle(const std::filesystem::path& folder, const OnJournal& on_journal);

}  // namespace labctl::bundle
