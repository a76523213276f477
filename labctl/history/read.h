// A bundle's folder read as an entry of the history: judged again by the functions that `judge` calls, and
// refused where its parts contradict each other.
#pragma once

#include <filesystem>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/history/entry.h"

namespace labctl::history {

// Errors (input): no bundle, a run that has not ended, a journal whose chain is broken, a digest or an
// outcome that the journals do not give. An older rule set is no contradiction: what passed under it is
// `recorded` passed, and its verdict today is another.
Result<Entry> read_entry(const std::filesystem::path& bundle);

// Whether its run has come to an end: it has a verdict.json.
bool has_ended(const std::filesystem::path& bundle);

// By which a run is known: SHA-256 of run.json's digest with those of its cells' journals. Errors (input):
// there is no run.json, or no verdict.json yet.
Result<std::string> entry_id(const std::filesystem::path& bundle);

// The folders at or below `path` that hold a run.json, in the order of their names. Links are not followed.
std::vector<std::filesystem::path> bundles_in(const std::filesystem::path& path);

}  // namespace labctl::history
