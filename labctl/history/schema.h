// The tables and views of the history, format by format.
#pragma once

#include "labctl/base/result.h"
#include "labctl/history/sqlite.h"

namespace labctl::history {

// What PRAGMA application_id and user_version say: "labc", and the number of the format.
inline constexpr int application_id = 0x6c616263;
int format_now();

// Brings an empty file, or a history of an earlier format, to today's; within the caller's transaction.
// Errors (input): another program's database, or a newer labctl's.
Status migrate(const Connection& connection);

// Whether the file is a history of today's format that can be asked.
Status check_format(const Connection& connection);

}  // namespace labctl::history
