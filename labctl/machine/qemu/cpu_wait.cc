#include "labctl/machine/qemu/cpu_wait.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "labctl/machine/qemu/processes.h"

namespace labctl::machine {
namespace {

using std::chrono::nanoseconds;

std::string_view next_word(std::string_view& text) {
  const std::size_t from = std::min(text.find_first_not_of(' '), text.size());
  const std::size_t to = std::min(text.find_first_of(" \n", from), text.size());
  const std::string_view word = text.substr(from, to - from);
  text.remove_prefix(to);
  return word;
}

std::optional<long long> number(std::string_view word) {
  long long value = 0;
  const auto [end, wrong] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (wrong != std::errc() || end != word.data() + word.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<nanoseconds> run_queue_wait(std::string_view schedstat) {
  next_word(schedstat);
  const std::optional<long long> waited = number(next_word(schedstat));
  if (!waited) return std::nullopt;
  return nanoseconds(*waited);
}

std::optional<nanoseconds> stolen(std::string_view stat, long ticks_per_second) {
  if (next_word(stat) != "cpu" || ticks_per_second <= 0) return std::nullopt;
  std::optional<long long> figure;
  for (int i = 0; i < 8; ++i) {
    figure = number(next_word(stat));
    if (!figure) return std::nullopt;
  }
  return nanoseconds(*figure * (1'000'000'000 / ticks_per_second));
}

bool is_vcpu_thread(std::string_view name) {
  if (!name.starts_with("CPU ") && !name.starts_with("ALL CPUs")) return false;
  return name.find("/TCG") != std::string_view::npos || name.find("/KVM") != std::string_view::npos;
}

void CpuWait::watch(int pid, std::filesystem::path proc) {
  proc_ = std::move(proc);
  threads_.clear();
  std::error_code wrong;
  const std::filesystem::path tasks = proc_ / std::to_string(pid) / "task";
  for (std::filesystem::directory_iterator task(tasks, wrong), end; !wrong && task != end;
       task.increment(wrong)) {
    if (!is_vcpu_thread(kernel_file(task->path() / "comm"))) continue;
    const std::filesystem::path file = task->path() / "schedstat";
    threads_.push_back({file, run_queue_wait(kernel_file(file)).value_or(nanoseconds(0))});
  }
  steal_at_start_ = steal_now();
}

nanoseconds CpuWait::steal_now() const {
  const long cpus = std::max(1L, sysconf(_SC_NPROCESSORS_ONLN));
  return stolen(kernel_file(proc_ / "stat"), sysconf(_SC_CLK_TCK)).value_or(nanoseconds(0)) / cpus;
}

Millis CpuWait::waited() const {
  if (threads_.empty()) return Millis(0);
  nanoseconds longest(0);
  bool alive = false;
  for (const Thread& thread : threads_) {
    const std::optional<nanoseconds> now = run_queue_wait(kernel_file(thread.schedstat));
    if (!now) continue;
    alive = true;
    longest = std::max(longest, *now - thread.at_start);
  }
  if (!alive) return Millis(last_.load());
  const nanoseconds steal = std::max(nanoseconds(0), steal_now() - steal_at_start_);
  const long long total = std::chrono::duration_cast<Millis>(longest + steal).count();
  long long before = last_.load();
  while (before < total && !last_.compare_exchange_weak(before, total)) {
  }
  return Millis(std::max(before, total));
}

}  // namespace labctl::machine
