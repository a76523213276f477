// What the verbs of the history share: the option that names its file, and how an answer is printed.
#pragma once

#include <string>

#include "labctl/base/result.h"
#include "labctl/cli/command_line.h"
#include "labctl/history/database.h"

namespace labctl::cli {

void add_db_option(Verb& verb, std::string& db);

// Adds a bundle and says on standard error what came of it. Errors: it was refused, or the history cannot be
// written; then the history is as it was.
Status add_to_history(history::Database& database, const std::filesystem::path& bundle);

}  // namespace labctl::cli
