#include "labctl/cli/verbs.h"

namespace labctl::cli {

// A verb that needs no hypervisor is a file, and a line here and below.
void add_validate(CommandLine& command_line);
void add_judge(CommandLine& command_line);
void add_show(CommandLine& command_line);
void add_report(CommandLine& command_line);
void add_attest(CommandLine& command_line);
void add_keygen(CommandLine& command_line);
void add_verify(CommandLine& command_line);
void add_promote(CommandLine& command_line);
void add_halt(CommandLine& command_line);
void add_withdraw(CommandLine& command_line);
void add_bundle_unpack(CommandLine& command_line);
void add_history_questions(CommandLine& command_line);
void add_history_add(CommandLine& command_line);
void add_history_keeping(CommandLine& command_line);

void add_record_verbs(CommandLine& command_line, const char* bundle) {
  add_validate(command_line);
  add_judge(command_line);
  add_show(command_line);
  add_report(command_line);
  add_attest(command_line);
  add_keygen(command_line);
  add_verify(command_line);
  add_promote(command_line);
  add_halt(command_line);
  add_withdraw(command_line);
  command_line.verbs("bundle", bundle, group::judging);
  add_bundle_unpack(command_line);
}

void add_history_verbs(CommandLine& command_line) {
  command_line.verbs("history", "What many runs say; without a verb: the last runs, and what is red",
                     group::history, "runs");
  add_history_questions(command_line);
  add_history_add(command_line);
  add_history_keeping(command_line);
}

}  // namespace labctl::cli
