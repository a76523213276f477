#include "labctl/cli/verbs.h"

namespace labctl::cli {

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
