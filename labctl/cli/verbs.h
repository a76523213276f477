// Every verb: add_VERB() gives the command line its options, help and function, and is all that anybody else
// sees of it. A new verb is one file, a line here and one in labctl.cc; in record_verbs.cc instead, when it
// needs no hypervisor.
#pragma once

#include <functional>
#include <memory>

#include "labctl/base/result.h"
#include "labctl/cli/command_line.h"

namespace labctl::machine {
class Host;
struct HostOptions;
}  // namespace labctl::machine

namespace labctl::cli {

// machine::HostOpener, without its header: tests give guests that are plain code.
using OpenHost = std::function<Result<std::unique_ptr<machine::Host>>(const machine::HostOptions&)>;

// Verbs that need no hypervisor, in labctl and labctl-judge: judging and publishing, and the history.
// `bundle` is the summary of the group of that name.
void add_record_verbs(CommandLine& command_line, const char* bundle);
void add_history_verbs(CommandLine& command_line);

// Run and judge.
void add_run(CommandLine& command_line, const OpenHost& open_host);
void add_split(CommandLine& command_line);
void add_shard_run(CommandLine& command_line, const OpenHost& open_host);
void add_shard_records(CommandLine& command_line);  // shard missing, shard status
void add_merge(CommandLine& command_line);
void add_drill(CommandLine& command_line, const OpenHost& open_host);
void add_plan(CommandLine& command_line);
void add_validate(CommandLine& command_line);
void add_init(CommandLine& command_line);
void add_judge(CommandLine& command_line);
void add_show(CommandLine& command_line);
void add_report(CommandLine& command_line);
void add_attest(CommandLine& command_line);
void add_keygen(CommandLine& command_line);
void add_verify(CommandLine& command_line);
void add_promote(CommandLine& command_line);
void add_halt(CommandLine& command_line);
void add_withdraw(CommandLine& command_line);
void add_bundle_pack(CommandLine& command_line);
void add_bundle_unpack(CommandLine& command_line);

// Images.
void add_image_list(CommandLine& command_line);
void add_image_kernels(CommandLine& command_line);
void add_image_build(CommandLine& command_line);
void add_image_import(CommandLine& command_line);
void add_image_push(CommandLine& command_line);
void add_image_pull(CommandLine& command_line);
void add_image_verify(CommandLine& command_line);
void add_image_rm(CommandLine& command_line);
void add_canary(CommandLine& command_line);
void add_prove_windows(CommandLine& command_line);

// Crashes.
void add_reproduce(CommandLine& command_line);
void add_bisect(CommandLine& command_line);
void add_fuzz(CommandLine& command_line, const OpenHost& open_host);
void add_scan(CommandLine& command_line);

// History.
void add_history_questions(CommandLine& command_line);
void add_history_add(CommandLine& command_line);
void add_history_keeping(CommandLine& command_line);
void add_watch(CommandLine& command_line);

// Upkeep.
void add_doctor(CommandLine& command_line);
void add_gc(CommandLine& command_line);
void add_completion(CommandLine& command_line);
void add_man(CommandLine& command_line);

}  // namespace labctl::cli
