// The verbs that labctl and labctl-judge both have: those that need no hypervisor. What only labctl can do
// stands in labctl.cc, with its declaration.
#pragma once

#include "labctl/cli/command_line.h"

namespace labctl::cli {

// Judging and publishing, and the history. `bundle` is the summary of the group of that name.
void add_record_verbs(CommandLine& command_line, const char* bundle);
void add_history_verbs(CommandLine& command_line);

void add_shard_records(CommandLine& command_line);  // shard missing, shard status
void add_merge(CommandLine& command_line);
void add_scan(CommandLine& command_line);
void add_completion(CommandLine& command_line);

}  // namespace labctl::cli
