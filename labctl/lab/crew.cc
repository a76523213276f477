#include "labctl/lab/crew.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::lab {
namespace {

// QEMU's own memory beside the guest's: translated code, device state, page tables. Measured below 300 MiB.
constexpr std::uint64_t overhead = 384ull << 20;

std::uint64_t available_memory() {
  auto text = read_file("/proc/meminfo");
  if (!text) return 0;
  for (const auto& line : split(*text, '\n'))
    if (line.rfind("MemAvailable:", 0) == 0) return std::strtoull(line.c_str() + 13, nullptr, 10) << 10;
  return 0;
}

fs::path failed_attempt(const fs::path& folder, int attempt) {
  return folder.string() + ".lab-failed-" + std::to_string(attempt);
}

// Waits for a place among all runs; without one only when the run is stopped, or the places cannot be made.
std::optional<Lock> take_slot(const Slots& slots, const std::string& cell, const Watch& watch,
                              const std::stop_token& stop) {
  if (slots.count == 0 || !make_dirs(slots.folder)) return std::nullopt;
  // Whoever has waited holds the turn until a place is free: otherwise a long run, whose cells take up the
  // places of its cells at once, would keep everybody else waiting to its end.
  const fs::path turns = slots.folder / "turn";
  std::optional<Lock> turn;
  for (int waits = 0; !stop.stop_requested(); std::this_thread::sleep_for(std::chrono::milliseconds(200))) {
    if (!turn)
      if (auto mine = Lock::try_take(turns)) turn = std::move(*mine);
    for (unsigned i = 0; turn && i < slots.count; ++i)
      if (auto lock = Lock::try_take(slots.folder / std::to_string(i))) return std::move(*lock);
    if (::access((turn ? slots.folder / "0" : turns).c_str(), W_OK) != 0) return std::nullopt;
    if (++waits == 3)
      watch({.cell = cell, .where = "waiting: other runs' guests have every slot of this host"});
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
        progress.where = "lab failed, trying again: " + progress.outcome.reason;
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

bool may_try_again(const verdict::Outcome& outcome, int failed, const scenario::Policy& policy) {
  return outcome.ending == verdict::Ending::lab_failed && !outcome.unheard && failed < policy.lab_retries;
}

Capacity capacity(std::uint64_t guest_memory) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  const std::uint64_t memory = available_memory();
  Capacity result{.memory_each = guest_memory + overhead, .memory_free = memory};
  const auto by_memory = static_cast<unsigned>(std::min<std::uint64_t>(memory / result.memory_each, 1000));
  result.jobs = std::max(1u, std::min(2 * cores, by_memory));
  result.why =
      std::to_string(cores) + (cores == 1 ? " core, " : " cores, ") + show_size(memory) + " of memory free";
  return result;
}

void run_crew(const std::vector<CellJob>& jobs, machine::Host& host, unsigned at_once, const Watch& watch,
              const std::stop_token& stop, const Slots& slots) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  const Watch one_at_a_time = [&](const Progress& progress) {
    std::lock_guard lock(mutex);
    watch(progress);
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < std::min<std::size_t>(at_once, jobs.size()); ++i)
    workers.emplace_back([&] {
      while (!stop.stop_requested()) {
        const std::size_t mine = next++;
        if (mine >= jobs.size()) return;
        const auto slot = take_slot(slots, jobs[mine].cell.id, one_at_a_time, stop);
        if (stop.stop_requested()) return;
        run_with_retries(jobs[mine], host, one_at_a_time, stop);
      }
    });
}

}  // namespace labctl::lab
