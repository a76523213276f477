// labctl-judge: the verbs of labctl that need no hypervisor, for hosts that have none. A test looks that none
// is linked.
#include "labctl/cli/history.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/verbs.h"

namespace {

constexpr const char* about =
    "labctl-judge reads what labctl recorded: it derives verdicts again, makes reports, signs, verifies\n"
    "and names the crashes in logs. Its verbs are those of labctl. It runs no guest.";

constexpr const char* footer =
    "'labctl-judge VERB --help' lists the options, examples and exit codes of a verb.\n"
    "Results go to stdout, everything else to stderr. NO_COLOR is respected.";

}  // namespace

int main(int argc, char** argv) {
  using namespace labctl::cli;
  CommandLine command_line("labctl-judge", about, footer);
  add_validate(command_line);
  add_judge(command_line);
  add_report(command_line);
  add_attest(command_line);
  add_keygen(command_line);
  add_verify(command_line);
  add_promote(command_line);
  add_halt(command_line);
  add_withdraw(command_line);
  command_line.verbs("bundle", "Carry a bundle to another machine: unpack", group::judging);
  add_bundle_unpack(command_line);
  add_scan(command_line);
  command_line.verbs("history", "What many runs say; without a verb: the last runs, and what is red",
                     group::history, "runs");
  add_history_questions(command_line);
  add_history_add(command_line);
  add_history_keeping(command_line);
  add_completion(command_line);
  take_passphrase();
  return run_command_line(command_line, argc, argv);
}
