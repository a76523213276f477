#include "labctl/executor/local.h"

#include <fmt/core.h>

#include <atomic>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"

namespace labctl::executor {
namespace {

class Local final : public Executor {
 public:
  Result<std::string> submit(const Submission& submission) override {
    if (auto made = make_dirs(submission.logs); !made) return fail(made.error());
    over_ = false;
    worker_ = std::jthread([this, submission](const std::stop_token& stop) {
      for (const int shard : submission.shards) {
        if (stop.stop_requested()) break;
        now_ = shard;
        run_one(submission, shard, stop);
      }
      over_ = true;
    });
    return "this host";
  }

  Result<JobState> watch() override {
    return JobState{.over = over_, .text = over_ ? std::string() : fmt::format("shard {} running", now_)};
  }

  Status cancel() override {
    worker_.request_stop();
    return {};
  }

 private:
  // How it ended is in its folder.
  static void run_one(const Submission& submission, int shard, const std::stop_token& stop) {
    Command command{.argv = {submission.program.string(), "shard", "run", submission.split_file.string(),
                             "--index", std::to_string(shard)},
                    .deadline = std::chrono::hours(24 * 30),
                    .stop = stop};
    command.argv.insert(command.argv.end(), submission.options.begin(), submission.options.end());
    auto log = Appender::open(submission.logs / (std::to_string(shard) + ".log"));
    if (log)
      command.on_line = [&](std::string_view line) {
        std::string row(line);
        row += '\n';
        if (auto written = log->write(row); !written) return;  // a full disk is found by the shard itself
      };
    if (auto ended = run(command); !ended && log) {
      std::string row = ended.error().text();
      row += '\n';
      if (auto written = log->write(row); !written) return;
    }
  }

  std::jthread worker_;
  std::atomic<bool> over_ = true;
  std::atomic<int> now_ = 0;
};

}  // namespace

std::unique_ptr<Executor> local() { return std::make_unique<Local>(); }

}  // namespace labctl::executor
