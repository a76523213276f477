// labctl merge, shard missing and shard status: what the shards of a split left. No hypervisor is needed.
#include <filesystem>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"
#include "labctl/cli/output.h"
#include "labctl/cli/shard.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/verbs.h"
#include "labctl/executor/executor.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct ShardsOptions {
  std::string split;
  bool json = false;
};

struct Shards {
  outcome::Split split;
  std::vector<verdict::ShardAttempt> attempts;
};

Result<Shards> read_shards(const std::string& file) {
  auto split = bundle::read_split_file(file);
  if (!split) return fail(split.error());
  auto attempts = bundle::read_attempts(fs::path(file).parent_path() / bundle::split_shards, true);
  return Shards{std::move(*split), std::move(attempts)};
}

int missing(const ShardsOptions& options) {
  auto shards = read_shards(options.split);
  if (!shards) return report_error(shards.error());
  const auto indices = verdict::missing(shards->split, shards->attempts);
  if (options.json)
    print_json(dump_pretty({{"labctl", 1}, {"missing", indices}, {"array", executor::array_of(indices)}}));
  else if (!indices.empty())
    print(executor::array_of(indices) + "\n");
  return exit_code::passed;
}

int status(const ShardsOptions& options) {
  auto shards = read_shards(options.split);
  if (!shards) return report_error(shards.error());
  Json list = Json::array();
  for (std::size_t i = 0; i < shards->split.shards.size(); ++i) {
    const int index = static_cast<int>(i);
    const auto* last = last_of(shards->attempts, index);
    list.push_back(status_json(index, last));
    if (!options.json) print(status_line(shards->split, index, last) + "\n");
  }
  if (options.json) print_json(dump_pretty({{"labctl", 1}, {"shards", list}}));
  return exit_code::passed;
}

struct MergeOptions {
  std::string split;
  std::string out = "reports/runs";
  bool json = false;
  SigningOptions signing;
};

int merge(const MergeOptions& options) {
  return merge_shards(options.split, options.out, options.json, options.signing);
}

void add_shards_verb(CommandLine& command_line, const char* name, const VerbHelp& help,
                     int (*call)(const ShardsOptions&)) {
  const auto options = std::make_shared<ShardsOptions>();
  auto verb = command_line.verb(name, help, options, call);
  verb.option("SPLIT", options->split, "The split.json that 'labctl split' wrote", {.required = true});
  verb.flag("--json", options->json, "For programs");
}

constexpr const char* shards_exit_codes =
    "0    the shards were listed, whatever became of them\n"
    "2    not a split, or bad usage";

}  // namespace

void add_shard_records(CommandLine& command_line) {
  add_shards_verb(command_line, "shard missing",
                  {.summary = "The shards that must be submitted again, as 'sbatch --array=' takes them",
                   .group = group::judging,
                   .examples = "labctl shard missing gate/split.json\n"
                               "labctl shard missing gate/split.json --json",
                   .exit_codes = shards_exit_codes},
                  missing);
  add_shards_verb(command_line, "shard status",
                  {.summary = "How far each shard of a split has come",
                   .group = group::judging,
                   .examples = "labctl shard status gate/split.json\n"
                               "labctl shard status gate/split.json --json",
                   .exit_codes = shards_exit_codes},
                  status);
}

void add_merge(CommandLine& command_line) {
  const auto options = std::make_shared<MergeOptions>();
  auto verb = command_line.verb(
      "merge",
      {.summary = "Make one bundle with one verdict of the shards of a split",
       .group = group::judging,
       .examples = "labctl merge gate/split.json --out reports/runs\n"
                   "labctl merge gate/split.json --sign release.key",
       .exit_codes =
           "0    passed: every cell and every boot was proved\n"
           "1    blocked: a guest crashed, hung, did not load the driver or changed its bytes\n"
           "2    not a split, or bad usage\n"
           "3    no verdict: a shard is absent or refused, or the lab failed; this blocks publishing too\n"
           "4    nothing ran: not one cell was started\n"
           "130  a shard was interrupted"},
      options, merge);
  verb.option("SPLIT", options->split, "The split.json that 'labctl split' wrote", {.required = true});
  verb.option("--out", options->out, "Where the bundle goes", {.value = "DIR", .show_default = true});
  verb.flag("--json", options->json, "Print verdict.json");
  options->signing.add_to(verb);
}

}  // namespace labctl::cli
