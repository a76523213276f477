// How long a guest's CPUs stood in the host's run queues: what makes a guest slow without being its fault.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "labctl/base/units.h"

namespace labctl::machine {

// /proc/<pid>/task/<tid>/schedstat is "ran waited slices", the first two in nanoseconds (kernel,
// Documentation/scheduler/sched-stats.rst).
std::optional<std::chrono::nanoseconds> run_queue_wait(std::string_view schedstat);

// Time that the hypervisor below this host took away, averaged over the CPUs: the eighth figure of
// /proc/stat's first line, in ticks, which sums them up.
std::optional<std::chrono::nanoseconds> stolen(std::string_view stat, long ticks_per_second);

// The threads of a QEMU that run guest code, by the names it gives them: "CPU 0/KVM", "CPU 0/TCG", "ALL
// CPUs/TCG".
bool is_vcpu_thread(std::string_view name);

// Cheap enough to be asked every second, from any thread; never fails: what cannot be read counts as no wait.
class CpuWait {
 public:
  // Begins now. Not while another thread asks.
  void watch(int pid, std::filesystem::path proc = "/proc");

  // Since watch(): the longest wait among the vCPU threads plus the stolen time. Not their sum: two vCPUs
  // waiting side by side cost the guest that time once. Never goes back, and keeps its last value when the
  // process is gone.
  Millis waited() const;

 private:
  std::chrono::nanoseconds steal_now() const;

  std::filesystem::path proc_;
  struct Thread {
    std::filesystem::path schedstat;
    std::chrono::nanoseconds at_start;
  };
  std::vector<Thread> threads_;
  std::chrono::nanoseconds steal_at_start_{0};
  mutable std::atomic<long long> last_{0};
};

}  // namespace labctl::machine
