// The questions that a history answers. Each answer is one JSON document: what --json prints
// (reports/history.schema.json), and what the texts and pages are made of. Its member "question" says which.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"
#include "labctl/history/database.h"
#include "labctl/history/fleet.h"

namespace labctl::history {

// The last runs, the newest first, and what is red now: of each scenario the cells of its last whole run
// whose last result is a failure, with the run since when and the last that passed.
Result<Json> ask_runs(const Database& history, int last);

// The cells whose id matches: how many results of each kind, the last thirty, since when.
// Errors (input), here and below: nothing of that name is known.
Result<Json> ask_cell(const Database& history, const std::string& glob);

// Crashes by title: first and last seen, how often, tickets. With a title (or a glob of titles) also the
// cells, modules, drivers, contents and bundles.
Result<Json> ask_crash(const Database& history, const std::string& title);

// Of one cell in each scenario that has it: the first failure since the last pass, and what differs between
// the two.
Result<Json> ask_first_bad(const Database& history, const std::string& cell);

// What both passed and failed on identical digests: k of n, with the 95 % interval of the share.
Result<Json> ask_unstable(const Database& history);

// How long an image's boots take, by class of host, and over time.
Result<Json> ask_boots(const Database& history, const std::string& image);

// How sick the lab is: what it failed and tried again, and how old its canaries are, by host and by image.
Result<Json> ask_lab(const Database& history);

// Which kernels passed with which driver; with a fleet, which share of it that is and what to add. `drivers`
// are digests of the driver's artefacts; none: those of the last whole run.
Result<Json> ask_coverage(const Database& history, const std::optional<Fleet>& fleet,
                          const std::vector<std::string>& drivers);

// The answer for a terminal. Text of guests in it is not yet safe to print: give it to print().
std::string as_text(const Json& answer);

}  // namespace labctl::history
