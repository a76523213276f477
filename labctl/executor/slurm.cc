#include "labctl/executor/slurm.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"

namespace labctl::executor {
namespace {

constexpr std::chrono::minutes patience{2};  // with a controller that is busy or restarting

class Slurm final : public Executor {
 public:
  explicit Slurm(std::string partition) : partition_(std::move(partition)) {}

  Result<std::string> submit(const Submission& submission) override {
    if (auto made = make_dirs(submission.logs); !made) return fail(made.error());
    auto printed = run_ok({.argv = sbatch_command(submission, partition_), .deadline = patience});
    if (!printed) return because(printed.error(), "the shards were not submitted");
    auto id = job_id(*printed);
    if (!id)
      return lab_error(
          fmt::format("sbatch did not print the number of a job: '{}'", printable(*printed, 200)));
    job_ = std::move(*id);
    return fmt::format("Slurm job {}", job_);
  }

  Result<JobState> watch() override {
    auto queue = run({.argv = {"squeue", "--noheader", "--array", "--jobs=" + job_, "--format=%t %r"},
                      .deadline = patience});
    if (!queue) return fail(queue.error());
    if (queue->ok()) return read_queue(queue->output);
    // Slurm forgets jobs some minutes after their end.
    if (queue->output.find("Invalid job id") != std::string::npos) return JobState{.over = true, .text = {}};
    return lab_error(fmt::format("squeue does not answer: {}", printable(queue->output, 200)));
  }

  Status cancel() override {
    auto done = run_ok({.argv = {"scancel", job_}, .deadline = patience});
    return done ? Status() : Status(fail(done.error()));
  }

 private:
  std::string partition_, job_;
};

}  // namespace

std::vector<std::string> sbatch_command(const Submission& submission, const std::string& partition) {
  // exec: signals reach the batch shell alone.
  std::string script =
      fmt::format("exec {} shard run {} --index \"$SLURM_ARRAY_TASK_ID\"",
                  shell_quote(submission.program.string()), shell_quote(submission.split_file.string()));
  for (const auto& option : submission.options) script += " " + shell_quote(option);
  std::vector<std::string> command{"sbatch",
                                   "--parsable",
                                   "--job-name=labctl",
                                   "--array=" + array_of(submission.shards),
                                   "--output=" + (submission.logs / "%a.log").string(),
                                   "--open-mode=append"};
  if (submission.processors != 0)
    command.push_back("--cpus-per-task=" + std::to_string(submission.processors));
  if (!partition.empty()) command.push_back("--partition=" + partition);
  command.push_back("--wrap=" + script);
  return command;
}

std::optional<std::string> job_id(std::string_view printed) {
  // Warnings of Slurm's come before it.
  const auto lines = split(trim(printed), '\n');
  std::string id = lines.empty() ? std::string() : lines.back();
  id = id.substr(0, id.find(';'));
  if (id.empty() || id.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return id;
}

JobState read_queue(std::string_view printed) {
  std::map<std::string, int> counts;
  std::string reason;
  for (const auto& row : split(printed, '\n')) {
    const auto line = trim(row);
    if (line.empty()) continue;
    const std::string state(line.substr(0, line.find(' ')));
    const bool pending = state == "PD";
    ++counts[pending ? "pending" : state == "R" ? "running" : state == "CG" ? "ending" : state];
    if (pending && line.size() > state.size()) reason = trim(line.substr(state.size()));
  }
  JobState seen{.over = counts.empty(), .text = {}};
  for (const auto& [state, count] : counts) {
    seen.text += (seen.text.empty() ? "" : ", ") + std::to_string(count) + " " + printable(state, 20);
    if (state == "pending" && !reason.empty() && reason != "None")
      seen.text += " (" + printable(reason, 60) + ")";
  }
  return seen;
}

std::unique_ptr<Executor> slurm(std::string partition) {
  return std::make_unique<Slurm>(std::move(partition));
}

}  // namespace labctl::executor
