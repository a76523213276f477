// Acceleration by proof. A device file and a successful ioctl prove nothing: nested and emulated KVM exist
// that hang or stop a Linux kernel half way. KVM counts only after it has run proof_guest.S to its end,
// correctly and at speed.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "labctl/machine/machine.h"

namespace labctl::machine {

// One run of the proof guest, as it was seen.
struct ProofRun {
  std::string said;     // the guest's letters on the debug console
  std::string problem;  // the emulator's own words, if it had any
  int exit_code = -1;
  bool timed_out = false;
  Millis took{0};
};

struct Proof {
  bool works = false;
  bool certain = true;  // false: it may have been the host's load, so do not remember it
  std::string why;      // "it stopped at SSE: KVM internal error", or how long it took
};

Proof judge_proof(const ProofRun& run);

// Runs the proof guest. Errors only when QEMU itself could not be started.
Result<ProofRun> run_proof(const std::filesystem::path& emulator, Accel accel, Millis deadline,
                           const std::filesystem::path& scratch);

// What a KVM guest sees of the host's CPU.
std::string host_cpu();

// The model of the host's CPU as /proc/cpuinfo names it, "AMD EPYC 9354 32-Core Processor"; empty where it
// does not.
std::string cpu_model();
std::string cpu_model_in(std::string_view cpuinfo);
// By what name a CPU can virtualize, "vmx" or "svm"; empty: it cannot.
std::string virtualization_in(std::string_view cpuinfo);

enum class KvmDevice { missing, forbidden, there };

struct AccelChoice {
  Accel accel = Accel::tcg;
  std::string reason;
};

// `prove` is called only when the answer depends on it. Errors: KVM was asked for and does not work.
Result<AccelChoice> choose_accel(AccelMode mode, KvmDevice kvm, const std::function<Result<Proof>()>& prove);

// choose_accel() on this host; the proof is remembered in `cache` for this emulator, boot and CPU.
Result<AccelChoice> find_accel(AccelMode mode, const std::filesystem::path& emulator,
                               const std::string& emulator_version, const std::filesystem::path& cache,
                               const std::filesystem::path& scratch);

}  // namespace labctl::machine
