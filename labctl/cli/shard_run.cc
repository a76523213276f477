// labctl shard run: one shard of a split, on this host.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/shard.h"
#include "labctl/gate/run.h"
#include "labctl/gate/split.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct ShardRunOptions {
  std::string split;
  unsigned index = 0;
  unsigned jobs = 0;
  bool again = false;
  bool rerun_controls = false;
  bool json = false;
  HostChoice host;
  machine::HostOpener open_host;
};

int tell(const ShardRunOptions& options, const outcome::Split& split, const fs::path& folder,
         const bundle::Judged& judged) {
  const int code = verdict::shard_exit_code(judged.verdict);
  if (options.json)
    print_json(dump_pretty(shard_json(judged.run, judged.verdict, code, folder.string())));
  else
    print(fmt::format("{}records: {}\n", shard_text(split, static_cast<int>(options.index), judged.verdict),
                      folder.string()));
  return code;
}

// Nothing: the shard must be run. Else what came of its last attempt is reported.
std::optional<int> is_done(const ShardRunOptions& options, const outcome::Split& split,
                           const fs::path& shards) {
  const int index = static_cast<int>(options.index);
  const auto attempts = bundle::read_attempts(shards, true, index);
  const auto missing = verdict::missing(split, attempts);
  if (options.again || std::find(missing.begin(), missing.end(), index) != missing.end()) return std::nullopt;
  const verdict::ShardAttempt* last = nullptr;
  for (const auto& attempt : attempts)
    if (!last || last->attempt < attempt.attempt) last = &attempt;
  const fs::path folder = shards / last->folder;
  if (last->progress == verdict::Progress::at_work)
    return report_error(Error{Fault::lab, "another labctl is at work on this shard", folder.string(),
                              "wait for its end; --again begins another attempt beside it"});
  say("labctl: this shard is whole; --again begins another attempt");
  auto judged = bundle::judge_bundle(folder);
  return judged ? tell(options, split, folder, *judged) : report_error(judged.error());
}

int shard_run(const ShardRunOptions& options) {
  auto split = bundle::read_split_file(options.split);
  if (!split) return report_error(split.error());
  const fs::path folder = fs::absolute(options.split).parent_path();
  auto order = gate::shard_order(*split, static_cast<int>(options.index), folder);
  if (!order) return report_error(order.error());
  if (const auto done = is_done(options, *split, folder / bundle::split_shards)) return *done;
  order->jobs = options.jobs;
  order->host = options.host.order();
  order->rerun_controls = options.rerun_controls;
  return on_this_host(
      options.host, "ending the guests and keeping what they left",
      [&](const gate::Environment& environment, gate::Observer& observer) {
        auto result = gate::run(*order, environment, observer);
        if (!result) return report_error(result.error());
        const int code = tell(options, *split, result->bundle, result->judged);
        return result->interrupted ? exit_code::interrupted : code;
      },
      options.open_host);
}

}  // namespace

void add_shard_run(CommandLine& command_line, const machine::HostOpener& open_host) {
  const auto options = std::make_shared<ShardRunOptions>();
  options->open_host = open_host;
  auto verb = command_line.verb(
      "shard run",
      {.summary = "Run one shard of a split on this host; the verdict is given by 'merge'",
       .group = group::judging,
       .examples = "labctl shard run gate/split.json --index 3\n"
                   "labctl shard run gate/split.json --index $SLURM_ARRAY_TASK_ID --json",
       .exit_codes = "0    its record is whole, and every cell passed\n"
                     "1    a guest crashed, hung, did not load the driver or changed its bytes\n"
                     "2    bad input or usage: nothing was started\n"
                     "3    the lab failed, or this host has another program or other images than the split\n"
                     "4    nothing ran: not one cell was started\n"
                     "130  interrupted"},
      options, shard_run);
  verb.option("SPLIT", options->split, "The split.json that 'labctl split' wrote", {.required = true});
  verb.option("--index", options->index, "Which shard, counted from 0",
              {.value = "N", .required = true, .between = {0, 999}});
  verb.option("--jobs", options->jobs,
              "Guests at once (default: what the cores and the memory of the allocation carry)",
              {.value = "N", .between = {1, 1000}});
  verb.flag("--again", options->again, "Begin another attempt although the shard is whole or at work");
  verb.flag("--fresh-controls", options->rerun_controls, "Rerun every control now, ignoring cached passes");
  verb.flag("--json", options->json, "For programs");
  options->host.add_to(verb);
}

}  // namespace labctl::cli
