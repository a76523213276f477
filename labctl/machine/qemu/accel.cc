#include "labctl/machine/qemu/accel.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <stop_token>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/machine/qemu/processes.h"
#include "labctl/machine/qemu/proof_guest.h"

namespace labctl::machine {
namespace {

// Hardware needs about 0.3 s, firmware included; a busy host may need ten times that.
constexpr Millis proof_deadline(4000);

constexpr std::string_view steps = "RPLSXFTC";
constexpr const char* step_names[] = {
    "real mode",  "protected mode", "long mode",        "SSE",
    "exceptions", "page faults",    "timer interrupts", "CPUID and MSR exits"};

KvmDevice kvm_device() {
  if (access("/dev/kvm", F_OK) != 0) return KvmDevice::missing;
  const Fd device(open("/dev/kvm", O_RDWR | O_CLOEXEC));
  return device ? KvmDevice::there : KvmDevice::forbidden;
}

// "qemu-system-x86_64: error: ..." -> "error: ...": the first line in which the emulator complains.
std::string complaint(const std::vector<std::string>& lines) {
  for (std::string_view line : lines) {
    if (line.find("warning:") != std::string_view::npos ||
        line.find("terminating on signal") != std::string_view::npos) {
      continue;
    }
    const std::size_t internal = line.find("KVM internal error");
    if (internal != std::string_view::npos) return std::string(line.substr(internal));
    constexpr std::string_view name = "qemu-system-x86_64: ";
    if (line.starts_with(name)) return printable(line.substr(name.size()));
  }
  return {};
}

}  // namespace

Proof judge_proof(const ProofRun& run) {
  const std::string wanted = std::string(steps) + proof_guest_result + ".";
  constexpr int success = (0x10 << 1) | 1;
  if (run.said == wanted && run.exit_code == success && !run.timed_out) {
    return {true, true, fmt::format("guest code ran through all its steps in {}", show_duration(run.took))};
  }
  // How far it came: "RPL" means that the fourth step did not end.
  std::size_t reached = 0;
  while (reached < run.said.size() && reached < steps.size() && run.said[reached] == steps[reached])
    ++reached;
  std::string where;
  if (run.said.empty()) {
    where = "it never began";
  } else if (reached < steps.size() && reached == run.said.size()) {
    where = fmt::format("it stopped at {}", step_names[reached]);
  } else if (reached == steps.size() && run.said.size() < wanted.size()) {
    where = "it did not finish computing";
  } else {
    where = "it computed something wrong";
  }
  if (!run.problem.empty()) return {false, true, where + " (" + run.problem + ")"};
  if (run.timed_out) return {false, false, fmt::format("{} within {}", where, show_duration(run.took))};
  return {false, true, fmt::format("{} (QEMU ended with exit code {})", where, run.exit_code)};
}

Result<ProofRun> run_proof(const std::filesystem::path& emulator, Accel accel, Millis deadline,
                           const std::filesystem::path& scratch) {
  if (Status made = make_dirs(scratch); !made) return fail(made.error());
  const fs::path sector = scratch / ("proof-" + std::to_string(getpid()) + ".img");
  const std::string_view bytes(reinterpret_cast<const char*>(proof_guest), sizeof proof_guest);
  if (Status written = write_file(sector, bytes); !written) return fail(written.error());

  std::stop_source stop;
  std::vector<std::string> lines;
  ProofRun run;
  Command command;
  command.argv = {emulator.string(),
                  "-machine",
                  "pc,accel=" + std::string(to_string(accel)),
                  "-cpu",
                  accel == Accel::kvm ? "host" : "max",
                  "-m",
                  "64",
                  "-nodefaults",
                  "-no-user-config",
                  "-display",
                  "none",
                  "-no-reboot",
                  "-debugcon",
                  "stdio",
                  "-device",
                  "isa-debug-exit,iobase=0xf4,iosize=1",
                  "-drive",
                  "if=ide,format=raw,snapshot=on,file=" + sector.filename().string()};
  command.directory = scratch;  // a relative name: commas in a path would need escaping
  command.deadline = deadline;
  command.stop = stop.get_token();
  command.on_line = [&](std::string_view line) {
    lines.emplace_back(line);
    // After this QEMU would wait for somebody to look at the corpse.
    if (line.find("KVM internal error") != std::string_view::npos) stop.request_stop();
  };
  const auto began = std::chrono::steady_clock::now();
  const Result<Ended> ended = labctl::run(command);
  run.took = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began);
  std::error_code ignored;
  fs::remove(sector, ignored);
  if (!ended && !stop.stop_requested()) return fail(ended.error());
  if (ended) {
    run.exit_code = ended->exit_code;
    run.timed_out = ended->timed_out;
    lines = split(ended->output, '\n');
  }
  // The guest's letters come without a line end, so the emulator's words may stand right behind them.
  for (std::string& line : lines) {
    const std::size_t end = std::min({line.find("KVM internal"), line.find("qemu-system"), line.size()});
    if (run.said.empty()) run.said = line.substr(0, end);
    line.erase(0, end);
    if (line.starts_with("KVM internal")) break;
  }
  run.problem = complaint(lines);
  return run;
}

Result<AccelChoice> choose_accel(AccelMode mode, KvmDevice kvm, const std::function<Result<Proof>()>& prove) {
  if (mode == AccelMode::tcg) return AccelChoice{Accel::tcg, "TCG was asked for"};
  std::string reason;
  std::string hint;
  switch (kvm) {
    case KvmDevice::missing:
      reason = "/dev/kvm does not exist";
      break;
    case KvmDevice::forbidden:
      reason = "/dev/kvm exists, but this user may not open it";
      hint = "usermod -aG kvm $USER, then log in again";
      break;
    case KvmDevice::there: {
      const Result<Proof> proof = prove();
      if (!proof) return fail(proof.error());
      if (proof->works) return AccelChoice{Accel::kvm, fmt::format("KVM is proved: {}", proof->why)};
      reason = fmt::format("/dev/kvm exists, but guest code did not run at speed: {}", proof->why);
      break;
    }
  }
  if (mode == AccelMode::kvm) {
    if (hint.empty()) hint = "use --accel auto or --accel tcg";
    return lab_error(fmt::format("KVM does not work here: {}", reason), {}, hint);
  }
  return AccelChoice{Accel::tcg, reason};
}

Result<AccelChoice> find_accel(AccelMode mode, const std::filesystem::path& emulator,
                               const std::string& emulator_version, const std::filesystem::path& cache,
                               const std::filesystem::path& scratch) {
  const fs::path memory = cache / "accel.json";
  const std::string key =
      sha256(emulator_version + "\n" + kernel_file("/proc/sys/kernel/random/boot_id") + host_cpu() + "\n" +
             std::to_string(geteuid()) + "\n" + std::string(proof_guest_result));
  return choose_accel(mode, kvm_device(), [&]() -> Result<Proof> {
    if (const Result<std::string> text = read_file(memory, 1u << 16)) {
      const Result<Json> known = parse_json(*text, memory.string());
      if (known && text_at(*known, "key") == key)
        return Proof{flag_at(*known, "works"), true, text_at(*known, "why")};
    }
    const Result<ProofRun> run = run_proof(emulator, Accel::kvm, proof_deadline, scratch);
    if (!run) return fail(run.error());
    Proof proof = judge_proof(*run);
    if (proof.certain) {
      const Json known = {{"key", key}, {"works", proof.works}, {"why", proof.why}};
      // Only speed is lost when this cannot be kept.
      if (Status made = make_dirs(cache)) static_cast<void>(write_file(memory, dump_pretty(known)));
    }
    return proof;
  });
}

std::string host_cpu() {
  const std::string text = kernel_file("/proc/cpuinfo", 8192);
  const std::string first = text.substr(0, text.find("\n\n"));
  std::string model;
  for (const std::string& line : split(first, '\n')) {
    // Features and microcode too: a snapshot made with one set may not run with another.
    for (const char* key : {"vendor_id", "cpu family", "model", "stepping", "microcode", "flags"}) {
      if (line.starts_with(key)) model += line + "\n";
    }
  }
  return model;
}

std::string cpu_model_in(std::string_view cpuinfo) {
  for (const std::string& line : split(cpuinfo, '\n'))
    if (const auto colon = line.find(':'); colon != line.npos && trim(line.substr(0, colon)) == "model name")
      return printable(trim(std::string_view(line).substr(colon + 1)), 120);
  return {};
}

std::string virtualization_in(std::string_view cpuinfo) {
  for (const std::string& line : split(cpuinfo, '\n')) {
    if (!line.starts_with("flags")) continue;
    const auto flags = split(line, ' ');
    for (const char* name : {"vmx", "svm"})
      if (std::find(flags.begin(), flags.end(), name) != flags.end()) return name;
  }
  return {};
}

std::string cpu_model() { return cpu_model_in(kernel_file("/proc/cpuinfo", 8192)); }

const char* to_string(Accel accel) { return accel == Accel::kvm ? "kvm" : "tcg"; }

}  // namespace labctl::machine
