#include "labctl/cli/labctl.h"

#include "labctl/cli/signer.h"
#include "labctl/cli/verbs.h"

namespace labctl::cli {

// A verb is a file with its options, its help and its function, all behind one add_VERB(), and a line here
// and in main(). One that needs no hypervisor goes to record_verbs.cc instead.
void add_run(CommandLine& command_line, const machine::HostOpener& open_host);
void add_split(CommandLine& command_line);
void add_shard_run(CommandLine& command_line, const machine::HostOpener& open_host);
void add_drill(CommandLine& command_line, const machine::HostOpener& open_host);
void add_plan(CommandLine& command_line);
void add_init(CommandLine& command_line);
void add_bundle_pack(CommandLine& command_line);
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
void add_reproduce(CommandLine& command_line);
void add_bisect(CommandLine& command_line);
void add_fuzz(CommandLine& command_line, const machine::HostOpener& open_host);
void add_watch(CommandLine& command_line);
void add_doctor(CommandLine& command_line);
void add_gc(CommandLine& command_line);
void add_man(CommandLine& command_line);

namespace {

constexpr const char* about =
    "labctl boots a matrix of virtual machines from snapshots, installs a candidate kernel driver\n"
    "with its content, reboots each several times while it watches every sign of life, and says\n"
    "whether it may be published.";

constexpr const char* footer =
    "First steps:\n"
    "  labctl doctor                                  check this host for missing prerequisites\n"
    "  labctl image build debian-12-linux-6.12        build a guest image, once\n"
    "  labctl plan scenarios/quickstart.yaml          show what would be run\n"
    "  labctl run scenarios/quickstart.yaml           run it\n"
    "\n'labctl VERB --help' lists the options, examples and exit codes of a verb.\n"
    "Results go to stdout, everything else to stderr. NO_COLOR is respected.";

}  // namespace

int main(int argc, char** argv, const machine::HostOpener& open_host) {
  CommandLine command_line("labctl", about, footer);
  // In the order of the groups, as the general help shows them.
  add_run(command_line, open_host);
  add_split(command_line);
  command_line.verbs("shard", "One part of a split: run, missing, status", group::judging);
  add_shard_run(command_line, open_host);
  add_shard_records(command_line);
  add_merge(command_line);
  add_drill(command_line, open_host);
  add_plan(command_line);
  add_init(command_line);
  add_record_verbs(command_line, "Carry a bundle to another machine: pack, unpack");
  add_bundle_pack(command_line);
  command_line.verbs("image", "Guests at rest: list, kernels, build, import, push, pull, verify, rm",
                     group::images);
  add_image_list(command_line);
  add_image_kernels(command_line);
  add_image_build(command_line);
  add_image_import(command_line);
  add_image_push(command_line);
  add_image_pull(command_line);
  add_image_verify(command_line);
  add_image_rm(command_line);
  add_canary(command_line);
  add_prove_windows(command_line);
  add_scan(command_line);
  add_reproduce(command_line);
  add_bisect(command_line);
  add_fuzz(command_line, open_host);
  add_history_verbs(command_line);
  add_watch(command_line);
  add_completion(command_line);
  add_doctor(command_line);
  add_gc(command_line);
  add_man(command_line);
  take_passphrase();
  return run_command_line(command_line, argc, argv);
}

}  // namespace labctl::cli
