#include "labctl/lab/scheduler.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::lab {
namespace {

fs::path failed_attempt(const fs::path& folder, int attempt) {
  return folder.string() + ".lab-failed-" + std::to_string(attempt);
}

// A place in the line of everybody who waits for a slot, in any run: a file that is held, named by when it
// was joined. Without a line a long run, whose cells ask again at once, would keep all others waiting to its
// end.
class Turn {
 public:
  // None: the folder cannot be written.
  static std::optional<Turn> join(const fs::path& line) {
    static std::atomic<unsigned> number = 0;
    // The monotonic clock, which all processes of this boot share. Names are compared as text.
    char name[64];
    std::snprintf(name, sizeof name, "%020lld-%d-%u",
                  static_cast<long long>(std::chrono::steady_clock::now().time_since_epoch().count()),
                  ::getpid(), number++);
    if (!make_dirs(line)) return std::nullopt;
    auto lock = Lock::try_take(line / name);
    if (!lock) return std::nullopt;
    return Turn(line, name, std::move(*lock));
  }
  Turn(Turn&& other) noexcept
      : line_(std::move(other.line_)), name_(std::exchange(other.name_, {})), lock_(std::move(other.lock_)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    std::error_code ignored;
    if (!name_.empty()) fs::remove(line_ / name_, ignored);
  }

  // What the killed left in the line is removed on the way.
  bool is_first() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(line_, ignored)) {
      if (entry.path().filename().string() >= name_) continue;
      if (!Lock::try_take(entry.path())) return false;
      fs::remove(entry.path(), ignored);
    }
    return true;
  }

 private:
  Turn(fs::path line, std::string name, Lock lock)
      : line_(std::move(line)), name_(std::move(name)), lock_(std::move(lock)) {}
  fs::path line_;
  std::string name_;
  Lock lock_;
};

// What cells wait for, one after the other.
struct SlotSet {
  fs::path folder;
  unsigned count;
  std::chrono::milliseconds pause;  // between two looks
  const char* wait;                 // for people, when it takes long
};

// Waits for a place among all runs; without one only when the run is stopped, or the places cannot be made.
std::optional<Lock> take_slot(const SlotSet& set, const std::string& cell, const Watch& watch,
                              const std::stop_token& stop) {
  if (set.count == 0 || !make_dirs(set.folder)) return std::nullopt;
  const auto turn = Turn::join(set.folder / "line");
  if (!turn) return std::nullopt;
  const auto long_wait = std::chrono::milliseconds(600);
  for (auto waited = std::chrono::milliseconds(0); !stop.stop_requested();
       std::this_thread::sleep_for(set.pause)) {
    const bool first = turn->is_first();
    for (unsigned i = 0; first && i < set.count; ++i)
      if (auto lock = Lock::try_take(set.folder / std::to_string(i))) return std::move(*lock);
    if (first && ::access((set.folder / "0").c_str(), W_OK) != 0) return std::nullopt;
    if (waited < long_wait && waited + set.pause >= long_wait) watch({.cell = cell, .where = set.wait});
    waited += set.pause;
  }
  return std::nullopt;
}

void run_with_retries(const CellJob& job, machine::Host& host, const Watch& watch,
                      const std::stop_token& stop) {
  for (int attempt = 1 + failed_attempts(job.folder);; ++attempt) {
    // A lab failure that will be tried again is not the cell's end.
    auto watch_attempt = [&](Progress progress) {
      if (progress.ended && may_try_again(progress.outcome, attempt - 1, job.cell.policy)) {
        progress.ended = false;
        progress.where = fmt::format("lab failed, trying again: {}", progress.outcome.reason);
      }
      watch(progress);
    };
    const auto outcome = run_cell(job, host, watch_attempt, stop);
    if (!may_try_again(outcome, attempt - 1, job.cell.policy) || stop.stop_requested()) return;
    if (!set_failed_aside(job.folder)) return;
  }
}

}  // namespace

int failed_attempts(const fs::path& folder) {
  int attempts = 0;
  std::error_code ignored;
  while (fs::exists(failed_attempt(folder, attempts + 1), ignored)) ++attempts;
  return attempts;
}

Status set_failed_aside(const fs::path& folder) {
  return rename_synced(folder, failed_attempt(folder, failed_attempts(folder) + 1));
}

bool may_try_again(const outcome::Outcome& outcome, int failed, const scenario::Policy& policy) {
  return outcome.ending == outcome::Ending::lab_failed && !outcome.unheard && failed < policy.lab_retries;
}

void run_scheduled(const std::vector<CellJob>& jobs, machine::Host& host, unsigned at_once,
                   const Watch& watch, const std::stop_token& stop, const Slots& slots,
                   const MayBegin& may_begin) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  const Watch one_at_a_time = [&](const Progress& progress) {
    std::lock_guard lock(mutex);
    watch(progress);
  };
  const SlotSet whole{slots.folder, slots.count, std::chrono::milliseconds(200),
                      "waiting: other runs' guests have every slot of this host"};
  const SlotSet starting{slots.folder / "starting", slots.starting, std::chrono::milliseconds(20),
                         "waits: other guests start"};
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < std::min<std::size_t>(at_once, jobs.size()); ++i)
    workers.emplace_back([&] {
      while (!stop.stop_requested()) {
        const std::size_t mine = next++;
        if (mine >= jobs.size()) return;
        const auto slot = take_slot(whole, jobs[mine].cell.id, one_at_a_time, stop);
        if (stop.stop_requested()) return;
        if (may_begin && !may_begin(jobs[mine])) continue;
        auto start = take_slot(starting, jobs[mine].cell.id, one_at_a_time, stop);
        if (stop.stop_requested()) return;
        const Watch watch_start = [&, first = std::string()](const Progress& progress) mutable {
          // What is first said is where a cell begins; whatever comes next, its guest has been started.
          if (first.empty()) first = progress.where;
          if (progress.ended || progress.where != first) start.reset();
          one_at_a_time(progress);
        };
        run_with_retries(jobs[mine], host, watch_start, stop);
      }
    });
}

}  // namespace labctl::lab
