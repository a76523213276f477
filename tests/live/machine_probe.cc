// Everything a Machine promises, against a real guest. Usage: machine_probe DISK [RUNTIME CACHE]
// DISK is a bootable Linux image with a guest agent and a console on ttyS0; it is not written to.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/base/queue.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/machine/machine.h"
#include "labctl/machine/qemu/processes.h"

using namespace labctl;
using namespace labctl::machine;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

namespace {

int failures = 0;
Clock::time_point zero = Clock::now();

double since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

void check(bool good, const std::string& what) {
  std::printf("%s %6.2fs  %s\n", good ? "ok  " : "FAIL", since(zero), what.c_str());
  std::fflush(stdout);
  if (!good) ++failures;
}

void check(const Status& status, const std::string& what) {
  check(status.has_value(), status ? what : what + ": " + status.error().text());
}

struct Seen {
  Queue<Notification> queue;
  std::string console;
  int resets = 0;
  std::optional<GuestStopped> stopped;
  std::optional<GuestPanicked> panicked;
  std::optional<Lost> lost;
  std::optional<ConsoleEnded> console_ended;
  bool agent_up = false;
  int agent_changes = 0;

  void take(const Notification& sign) {
    std::visit(
        overloaded{[&](const ConsoleBytes& s) { console += s.bytes; },
                   [&](const GuestReset& s) {
                     ++resets;
                     std::printf("     %6.2fs  reset by_guest=%d\n", since(zero), s.by_guest);
                   },
                   [&](const GuestStopped& s) { stopped = s; }, [&](const GuestPanicked& s) { panicked = s; },
                   [&](const AgentLink& s) {
                     agent_up = s.up;
                     ++agent_changes;
                     std::printf("     %6.2fs  agent link %d\n", since(zero), s.up);
                   },
                   [](const GuestSuspended&) {}, [](const GuestWoken&) {}, [&](const Lost& s) { lost = s; },
                   [&](const ConsoleEnded& s) { console_ended = s; }},
        sign);
  }

  bool until(seconds patience, const std::function<bool()>& enough) {
    const auto deadline = Clock::now() + patience;
    while (!enough()) {
      std::optional<Notification> sign = queue.pop_until(deadline);
      if (!sign) return enough();
      take(*sign);
    }
    return true;
  }
  void drain() {
    until(seconds(0), [] { return false; });
  }
};

const Json ping = {{"execute", "guest-ping"}};

bool answers(Machine& machine, Seen& seen, seconds patience) {
  const auto deadline = Clock::now() + patience;
  while (Clock::now() < deadline) {
    if (machine.ask(ping, Millis(2000))) return true;
    seen.until(seconds(0), [] { return false; });
    usleep(50'000);
  }
  return false;
}

std::string run_in(Machine& machine, const std::string& script) {
  Result<Json> started =
      machine.ask({{"execute", "guest-exec"},
                   {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", script}}, {"capture-output", true}}}},
                  Millis(10'000));
  if (!started) return "cannot run: " + started.error().text();
  for (int i = 0; i < 200; ++i) {
    Result<Json> status =
        machine.ask({{"execute", "guest-exec-status"}, {"arguments", {{"pid", number_at(*started, "pid")}}}},
                    Millis(10'000));
    if (!status) return "cannot ask: " + status.error().text();
    if (flag_at(*status, "exited"))
      return base64_decode(text_at(*status, "out-data"), 1u << 20).value_or("?");
    usleep(50'000);
  }
  return "it does not end";
}

std::string tail_of(const std::string& text, std::size_t n = 300) {
  return printable(text.size() > n ? text.substr(text.size() - n) : text, 2 * n);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const fs::path image = argv[1];
  const fs::path runtime = argc > 2 ? argv[2] : "/tmp/labctl-probe-" + std::to_string(getpid());
  const fs::path cache = argc > 3 ? argv[3] : "/tmp/labctl-cache-" + std::to_string(getuid());
  const fs::path work =
      fs::path(argc > 4 ? argv[4] : "/var/tmp") / ("machine-probe-" + std::to_string(getpid()));
  static_cast<void>(make_dirs(work));
  const std::string memory = std::getenv("PROBE_MEMORY") ? std::getenv("PROBE_MEMORY") : "512MiB";
  const int vcpus = std::getenv("PROBE_VCPUS") ? std::atoi(std::getenv("PROBE_VCPUS")) : 1;

  Result<std::unique_ptr<Host>> host = open_host({.runtime = runtime, .cache = cache});
  if (!host) {
    std::printf("FAIL %s\n", host.error().text().c_str());
    return 1;
  }
  const HostFacts& facts = (*host)->facts();
  check(true, facts.hypervisor + "; " + facts.machine_type + "; " + to_string(facts.accel) + ": " +
                  facts.accel_reason + "; " + facts.fingerprint.substr(0, 12));

  const fs::path state = work / "state.qcow2";
  static_cast<void>(run_ok({.argv = {"qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b",
                                     fs::absolute(image).string(), state.string()}}));
  Spec spec;
  spec.name = "probe";
  spec.shape.memory = *parse_size(memory);
  spec.shape.vcpus = vcpus;
  spec.accel = facts.accel;
  auto make = [&](const fs::path& disk, Seen& seen) {
    spec.disk = disk;
    auto made = (*host)->create(spec, [&seen](Notification sign) { seen.queue.push(std::move(sign)); });
    if (!made) {
      check(false, made.error().text());
      std::exit(1);
    }
    return std::move(*made);
  };

  double boot_time = 0;
  {
    Seen seen;
    auto machine = make(state, seen);
    const auto began = Clock::now();
    check(machine->start(From::power_on), "power on");
    check(answers(*machine, seen, seconds(400)), "the agent answers after a cold boot");
    boot_time = since(began);
    check(seen.until(seconds(20), [&] { return seen.console.find("Linux version") != std::string::npos; }),
          "the console has the kernel's first line");
    std::printf("     cold boot to agent %.1fs, starved %lld ms, %zu console bytes\n", boot_time,
                static_cast<long long>(machine::cpu_wait(*machine).count()), seen.console.size());
    check(machine->diagnosable()->screenshot(work / "screen.png"), "screenshot");
    std::printf("     %s", run_in(*machine, "uname -r; cat /proc/cmdline; systemd-analyze time").c_str());
    seen.until(seconds(5), [] { return false; });
    const auto saving = Clock::now();
    check(machine::save(*machine, From::snapshot), "save");
    std::printf("     save took %.2fs\n", since(saving));
    seen.drain();
    check(!seen.lost && !seen.stopped && !seen.console_ended, "saving looks like nothing");
    const auto ending = Clock::now();
    machine.reset();
    std::printf("     ending took %.2fs\n", since(ending));
    seen.drain();
    check(!seen.lost && !seen.stopped && !seen.console_ended, "our own end is no sign");
  }
  int copies = 0;
  auto copy = [&] {
    const fs::path disk = work / ("clone" + std::to_string(++copies) + ".qcow2");
    static_cast<void>(run_ok({.argv = {"cp", "--reflink=auto", state.string(), disk.string()}}));
    return disk;
  };
  for (int i = 0; i < 3; ++i) {
    Seen seen;
    const auto began = Clock::now();
    const fs::path disk = copy();
    const double copied = since(began);
    auto machine = make(disk, seen);
    check(machine->start(From::snapshot), "restore");
    const double restored = since(began);
    check(answers(*machine, seen, seconds(30)), "the agent answers after a restore");
    std::printf("     restore: copy %.2fs, started %.2fs, agent %.2fs: %.0f times faster than the boot\n",
                copied, restored, since(began), boot_time / since(began));
    seen.drain();
    check(seen.resets == 0 && !seen.lost, "a restore is no reset");
  }
  {
    Seen seen;
    auto machine = make(copy(), seen);
    check(machine->start(From::snapshot), "restore");
    answers(*machine, seen, seconds(30));
    const std::string first = run_in(*machine, "cat /proc/sys/kernel/random/boot_id");
    run_in(*machine, "echo hello-from-the-guest >/dev/ttyS0");
    check(seen.until(seconds(10),
                     [&] { return seen.console.find("hello-from-the-guest") != std::string::npos; }),
          "console bytes arrive after a restore");
    // The CD.
    static_cast<void>(
        run_ok({.argv = {"sh", "-c", "head -c 409600 /dev/urandom > " + (work / "cd.iso").string()}}));
    check(machine->insert_cd(work / "cd.iso"), "insert a CD");
    const std::string sum =
        run_in(*machine, "for i in 1 2 3 4 5; do sha256sum /dev/sr0 && break; sleep 1; done");
    check(sum.substr(0, 64) == sha256_file(work / "cd.iso").value_or("-"),
          "the guest reads the CD: " + printable(sum));
    check(machine->insert_cd({}), "take the CD out");
    // A large burst: nothing may be lost.
    const std::size_t before = seen.console.size();
    run_in(*machine, "stty -F /dev/ttyS0 raw; seq 1 20000 >/dev/ttyS0; echo END-OF-SEQ >/dev/ttyS0");
    seen.until(seconds(60), [&] { return seen.console.find("END-OF-SEQ", before) != std::string::npos; });
    std::string wanted;
    for (int i = 1; i <= 20000; ++i) wanted += std::to_string(i) + "\n";
    check(seen.console.find(wanted, before) != std::string::npos, "no console byte is lost in a burst");
    // Reboot.
    const auto began = Clock::now();
    run_in(*machine, "systemctl --no-block reboot");
    check(seen.until(seconds(120), [&] { return seen.resets > 0; }), "a reboot gives resets");
    const std::size_t mark = seen.console.size();
    check(seen.until(seconds(120),
                     [&] {
                       return seen.console.find("Linux version", mark > 200 ? mark - 200 : 0) !=
                              std::string::npos;
                     }),
          "the console survives the reboot");
    check(answers(*machine, seen, seconds(400)), "the agent answers after the reboot");
    std::printf("     reboot took %.1fs, %d resets\n", since(began), seen.resets);
    const std::string second = run_in(*machine, "cat /proc/sys/kernel/random/boot_id");
    check(first.size() == 37 && second.size() == 37 && first != second, "the boot id changes");
    check(!seen.lost && !seen.stopped, "a reboot is no end");
    // Power cut.
    seen.resets = 0;
    check(machine->power_cut(), "power cut");
    check(seen.until(seconds(10), [&] { return seen.resets > 0; }), "a power cut is a reset");
    check(answers(*machine, seen, seconds(400)), "the agent answers after the power cut");
    // Power off.
    run_in(*machine, "systemctl --no-block poweroff");
    check(seen.until(seconds(120), [&] { return seen.stopped.has_value(); }), "power off is told");
    check(seen.stopped && seen.stopped->by_guest, "as the guest's own doing");
    seen.until(seconds(4), [] { return false; });
    check(!seen.lost && !seen.console_ended, "and nothing else");
    check(seen.console.find("Power down") != std::string::npos,
          "its last words are there: " + tail_of(seen.console, 100));
    check(!machine->ask(ping, Millis(1000)), "a machine that is off does not answer");
  }
  {
    Seen seen;
    auto machine = make(copy(), seen);
    check(machine->start(From::snapshot), "restore");
    answers(*machine, seen, seconds(30));
    static_cast<void>(
        run_in(*machine, "modprobe pvpanic-mmio; modprobe pvpanic; modprobe pvpanic-pci; true"));
    const auto began = Clock::now();
    static_cast<void>(
        machine->ask({{"execute", "guest-exec"},
                      {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", "echo c > /proc/sysrq-trigger"}}}}},
                     Millis(1000)));
    check(seen.until(seconds(20), [&] { return seen.panicked.has_value(); }), "a panic is told");
    std::printf("     after %.2fs: %s\n", since(began), seen.panicked ? seen.panicked->details.c_str() : "");
    seen.until(seconds(4), [] { return false; });
    check(!seen.lost && !seen.stopped && !seen.console_ended, "and nothing else");
    check(seen.console.find("Kernel panic - not syncing") != std::string::npos,
          "the console says so: " + tail_of(seen.console));
    check(machine->diagnosable()->screenshot(work / "panic.png"), "a dead guest has a screen");
    const auto asking = Clock::now();
    check(!machine->ask(ping, Millis(1500)), "a dead guest does not answer");
    std::printf("     which took %.2fs to learn\n", since(asking));
    // Others are not disturbed by a dead one that is being asked.
  }
  {
    Seen seen, other;
    auto machine = make(copy(), seen);
    check(machine->start(From::snapshot), "restore");
    answers(*machine, seen, seconds(30));
    spec.name = "probe-2";
    auto neighbour = make(copy(), other);
    check(neighbour->start(From::snapshot), "restore another");
    check(answers(*neighbour, other, seconds(30)), "two at once");
    std::vector<int> pids;
    for (const auto& entry : fs::directory_iterator(runtime)) {
      if (!entry.is_directory()) continue;
      for (int pid : qemus_with(entry.path().string() + "/")) {
        const auto argv_of = arguments_of("/proc/" + std::to_string(pid));
        for (const auto& a : argv_of) {
          if (a.starts_with("guest=probe,")) pids.push_back(pid);
        }
      }
    }
    check(pids.size() == 1, "its QEMU is found");
    if (pids.size() == 1) kill(pids.front(), SIGKILL);
    const auto began = Clock::now();
    check(seen.until(seconds(10), [&] { return seen.lost.has_value(); }), "a killed QEMU is told");
    std::printf("     after %.2fs: %s\n", since(began), seen.lost ? seen.lost->why.c_str() : "");
    seen.until(seconds(4), [] { return false; });
    check(!seen.stopped && !seen.console_ended, "and nothing else");
    check(!machine->ask(ping, Millis(1000)), "and does not answer");
    check(neighbour->ask(ping, Millis(3000)).has_value(), "the other one lives on");
    other.drain();
    check(!other.lost, "and is not told lost");
  }
  check(find_orphans(runtime).empty(), "our own root is no orphan");
  host->reset();
  check(!fs::exists(runtime) || fs::is_empty(runtime), "the root is gone");
  if (std::getenv("PROBE_KEEP") == nullptr) fs::remove_all(work);
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
