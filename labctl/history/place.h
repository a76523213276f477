// Where the history is.
#pragma once

#include <filesystem>
#include <string>

#include "labctl/base/result.h"

namespace labctl::history {

// `given` when it names a file; else LABCTL_HISTORY, else XDG_STATE_HOME/labctl/history.db, else
// ~/.local/state/labctl/history.db. Not the cache, which may be emptied. Errors (input): none of them is set.
Result<std::filesystem::path> file_of(const std::string& given);

}  // namespace labctl::history
