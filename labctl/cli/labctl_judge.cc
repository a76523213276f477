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
  command_line.verbs("shard", "What the shards of a split left: missing, status", group::judging);
  add_shard_records(command_line);
  add_merge(command_line);
  add_record_verbs(command_line, "Carry a bundle to another machine: unpack");
  add_scan(command_line);
  add_history_verbs(command_line);
  add_completion(command_line);
  take_passphrase();
  return run_command_line(command_line, argc, argv);
}
