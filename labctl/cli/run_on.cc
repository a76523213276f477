#include "labctl/cli/run_on.h"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/cli/shard.h"
#include "labctl/executor/open.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds between_looks{2}, between_words{30};
constexpr std::chrono::minutes patience{3};  // with shards that were asked to end

// The split's folder, new or begun before.
Result<fs::path> open_split(const OnOptions& options, const gate::Environment& environment) {
  if (!options.resume.empty()) {
    const fs::path folder = fs::path(options.resume).filename() == bundle::split_name
                                ? fs::path(options.resume).parent_path()
                                : fs::path(options.resume);
    return fs::absolute(folder);
  }
  std::string stamp = environment.now();
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  auto order = options.order;
  order.out = fs::absolute(fs::path(options.out) / (stamp + "-" + slug(order.plan.scenario) + ".split"));
  auto made = gate::split_run(order, environment);
  if (made) return order.out;
  for (std::size_t i = 0; i + 1 < made.error().size(); ++i) report_error(made.error()[i]);
  return fail(made.error().back());
}

// What people see while the shards are run.
class Watch {
 public:
  Watch(const outcome::Split& split, fs::path shards) : split_(split), shards_(std::move(shards)) {}

  void look(const std::string& executor) {
    const auto attempts = bundle::read_attempts(shards_);
    for (std::size_t i = 0; i < split_.shards.size(); ++i) {
      const int index = static_cast<int>(i);
      std::string line = status_line(split_, index, last_of(attempts, index));
      auto& known = lines_[index];
      if (line == known) continue;
      // That nothing has begun yet is no news.
      if (!known.empty() || last_of(attempts, index)) say(fmt::format("labctl: {}", line));
      known = std::move(line);
    }
    if (executor.empty() || Clock::now() - said_ < between_words) return;
    said_ = Clock::now();
    say(fmt::format("labctl: {}", executor));
  }

 private:
  const outcome::Split& split_;
  fs::path shards_;
  std::map<int, std::string> lines_;
  Clock::time_point said_ = Clock::now();
};

// Until nothing of the shards is at work. An executor that does not answer is asked again: its state decides
// nothing.
Status wait_for_end(executor::Executor& executor, Watch& watch, const std::stop_token& stop) {
  std::optional<Clock::time_point> cancelled;
  for (;; std::this_thread::sleep_for(between_looks)) {
    const auto seen = executor.watch();
    watch.look(seen ? seen->text : seen.error().what);
    if (seen && seen->over) break;
    if (stop.stop_requested() && !cancelled) {
      cancelled = Clock::now();
      if (auto asked = executor.cancel(); !asked) return asked;
    }
    if (cancelled && Clock::now() - *cancelled > patience)
      return lab_error("the shards do not end although they were cancelled");
  }
  if (stop.stop_requested()) return interrupted();
  return {};
}

int submit_and_merge(const OnOptions& options, const gate::Environment& environment,
                     executor::Executor& executor) {
  auto folder = open_split(options, environment);
  if (!folder) return report_error(folder.error());
  const fs::path file = *folder / bundle::split_name, shards = *folder / bundle::split_shards;
  auto split = bundle::read_split_file(file);
  if (!split) return report_error(split.error());
  const std::string resume =
      fmt::format("labctl run --on {} --resume {}", options.executor, shell_quote(folder->string()));
  std::error_code ignored;
  if (const auto missing = verdict::missing(*split, bundle::read_attempts(shards, true)); !missing.empty()) {
    auto name = executor.submit({.program = fs::read_symlink("/proc/self/exe", ignored),
                                 .split_file = file,
                                 .logs = *folder / "logs",
                                 .shards = missing,
                                 .options = options.shard_options,
                                 .processors = (options.jobs + 1) / 2});  // host::Capacity
    if (!name) return report_error(name.error());
    say(fmt::format("labctl: {}: shards {} of 0-{}; split: {}", *name, executor::array_of(missing),
                    split->shards.size() - 1, file.string()));
    Watch watch(*split, shards);
    if (auto ended = wait_for_end(executor, watch, environment.stop); !ended) {
      const int code = report_error(ended.error());
      say(fmt::format("labctl: to continue: {}", resume));
      return code;
    }
  }
  const fs::path out = options.resume.empty() ? fs::path(options.out) : folder->parent_path();
  const int code = merge_shards(file.string(), out.string(), false, options.signing);
  if (code != exit_code::passed && !verdict::missing(*split, bundle::read_attempts(shards, true)).empty())
    say(fmt::format("labctl: shards are missing; to submit them again: {}", resume));
  return code;
}

}  // namespace

int run_on(const OnOptions& options) {
  auto executor = executor::open(options.executor);
  if (!executor) return report_error(executor.error());
  return on_this_host(options.host, "cancelling the shards and keeping what they left",
                      [&](const gate::Environment& environment, gate::Observer&) {
                        return submit_and_merge(options, environment, **executor);
                      });
}

}  // namespace labctl::cli
