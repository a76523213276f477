// What the gate costs, as ratios taken in one run on one host; absolute times are printed only to read the
// ratios by.
//
//   gate_bench IMAGE [REBOOTS [GUESTS]]      IMAGE must be built; uses the places that labctl uses
//
//   restore    from the live snapshot to an agent that answers, against a cold boot of the same image
//   gate/bare  a crew of control cells against a bare loop that does the same steps (restore, reboot, wait
//   for the
//              agent and the end of the boot, settle) with the hypervisor and the agent and nothing else
//   finding    from the guest's panic to the finding in the cell's journal
//   idle       labctl's own CPU while ten guests do nothing but answer heartbeats

#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/cell/cell.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/host/places.h"
#include "labctl/lab/crew.h"
#include "labctl/snapshot/ground.h"
#include "labctl/snapshot/shell.h"

using namespace labctl;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Millis settle = 5s;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "gate_bench: %s\n", result.error().text().c_str());
  std::exit(3);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "gate_bench: %s\n", status.error().text().c_str());
  std::exit(3);
}

struct Bench {
  machine::Host& host;
  snapshot::Ground ground;
  fs::path work;
  int reboots, guests;
  std::stop_source stop;

  std::unique_ptr<machine::Machine> restore(const std::string& name, const machine::Sink& sink) {
    const fs::path disk = work / (name + ".qcow2");
    must(snapshot::copy_disk(ground.disk, disk));
    auto machine = must(
        host.create({.name = name, .shape = ground.shape, .accel = host.facts().accel, .disk = disk}, sink));
    must(machine->start(machine::From::snapshot));
    return machine;
  }

  static void wait_for_agent(machine::Machine& machine) {
    while (!machine.ask({{"execute", "guest-ping"}}, 5s)) std::this_thread::sleep_for(100ms);
  }

  double restore_seconds() {
    const auto began = Clock::now();
    auto machine = restore("bench-restore", [](const machine::Sign&) {});
    wait_for_agent(*machine);
    return seconds(Clock::now() - began);
  }

  // One guest of the bare loop: what anybody would write in an afternoon.
  void bare_guest(const std::string& name) {
    std::atomic<int> links = 0;
    auto machine = restore(name, [&](const machine::Sign& sign) {
      if (const auto* link = std::get_if<machine::AgentLink>(&sign); link && link->up) ++links;
    });
    wait_for_agent(*machine);
    const auto none = stop.get_token();
    for (int boot = 0; boot < reboots; ++boot) {
      const int before = links;
      static_cast<void>(
          machine->ask({{"execute", "guest-exec"},
                        {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", "shutdown -r now"}}}}},
                       5s));
      while (links == before) std::this_thread::sleep_for(50ms);
      wait_for_agent(*machine);
      static_cast<void>(snapshot::ask_shell(*machine, "systemctl is-system-running --wait", 10min, none));
      std::this_thread::sleep_for(settle);
    }
  }

  double bare_loop() {
    const auto began = Clock::now();
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < guests; ++i)
        threads.emplace_back([this, i] { bare_guest("bench-bare-" + std::to_string(i)); });
    }
    return seconds(Clock::now() - began);
  }

  plan::Cell cell(const std::string& id) const {
    plan::Cell c;
    c.id = id;
    c.control = true;
    c.image = ground.image.name;
    c.settle = settle;
    for (int i = 0; i < reboots; ++i) c.story.push_back({.kind = scenario::StepKind::reboot});
    return c;
  }

  lab::CellJob job(const plan::Cell& c) const {
    return {.cell = c, .ground = ground, .folder = work / c.id, .disk = work / (c.id + ".qcow2")};
  }

  double gate() {
    std::vector<lab::CellJob> jobs;
    for (int i = 0; i < guests; ++i) jobs.push_back(job(cell("bench-gate-" + std::to_string(i))));
    const auto began = Clock::now();
    int passed = 0;
    lab::run_crew(
        jobs, host, static_cast<unsigned>(guests),
        [&](const lab::Progress& p) { passed += p.ended && p.outcome.ending == outcome::Ending::passed; },
        stop.get_token());
    const double took = seconds(Clock::now() - began);
    if (passed != guests) std::fprintf(stderr, "gate_bench: only %d of %d cells passed\n", passed, guests);
    return took;
  }

  // The guest notes when it panics on its console; both times are the journal's.
  double finding_seconds() {
    plan::Cell c = cell("bench-panic");
    c.story = {{.kind = scenario::StepKind::run,
                .text = "(sleep 2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 & sleep 1"},
               {.kind = scenario::StepKind::wait, .wait = 60s},
               {.kind = scenario::StepKind::reboot}};
    lab::run_cell(
        job(c), host, [](const lab::Progress&) {}, stop.get_token());
    auto journal = event::read_journal(must(read_file(work / c.id / "events.jsonl")), c.id, "events.jsonl");
    std::optional<Millis> died, found;
    for (const auto& e : must(std::move(journal)).events) {
      if (std::holds_alternative<event::Panicked>(e.what) && !died) died = e.at;
      if (std::holds_alternative<event::Found>(e.what) && !found) found = e.at;
    }
    return died && found ? std::abs(static_cast<double>((*found - *died).count())) / 1000 : -1;
  }

  static double own_cpu() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto of = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return of(used.ru_utime) + of(used.ru_stime);
  }

  static long resident_kib() {
    auto status = read_file("/proc/self/status");
    const auto at = status ? status->find("VmRSS:") : std::string::npos;
    return at == std::string::npos ? 0 : std::strtol(status->c_str() + at + 6, nullptr, 10);
  }

  // CPU of this process, in parts of one core, over the quiet middle of ten waiting cells.
  std::pair<double, long> idle() {
    std::vector<lab::CellJob> jobs;
    for (int i = 0; i < 10; ++i) {
      plan::Cell c = cell("bench-idle-" + std::to_string(i));
      c.story = {{.kind = scenario::StepKind::wait, .wait = 90s}};
      jobs.push_back(job(c));
    }
    std::jthread crew([&] {
      lab::run_crew(
          jobs, host, 10, [](const lab::Progress&) {}, stop.get_token());
    });
    std::this_thread::sleep_for(45s);
    const double before = own_cpu();
    const long memory = resident_kib();
    std::this_thread::sleep_for(30s);
    return {(own_cpu() - before) / 30, resident_kib() - memory};
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: gate_bench IMAGE [REBOOTS [GUESTS]]\n");
    return 2;
  }
  const auto places = must(host::places());
  const image::Store store(places.recipes, places.store);
  auto work = must(gate::WorkFolder::create(places));
  auto host = must(machine::open_host({.runtime = places.runtime, .cache = places.cache}));
  auto ground = must(snapshot::prepare_ground(*host, store, argv[1], {},
                                              [](std::string_view line) {
                                                std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()),
                                                             line.data());
                                              },
                                              {}));
  Bench bench{
      *host, ground, work.path(), argc > 2 ? std::atoi(argv[2]) : 3, argc > 3 ? std::atoi(argv[3]) : 2, {}};

  const double cold = seconds(ground.boot_time), restored = bench.restore_seconds();
  std::printf("restore    %.2f s, a cold boot %.1f s: %.0f times faster\n", restored, cold, cold / restored);
  // Bare before and after, so that a host that gets busier does not speak for either side.
  const double bare = bench.bare_loop(), gate = bench.gate(), bare_again = bench.bare_loop();
  std::printf("gate/bare  %.1f s against %.1f and %.1f s: %.2f times\n", gate, bare, bare_again,
              gate / ((bare + bare_again) / 2));
  std::printf("finding    %.2f s between the panic device and the finding on the console\n",
              bench.finding_seconds());
  const auto [cpu, growth] = bench.idle();
  std::printf("idle       ten guests: %.1f %% of a core, memory %+ld KiB in 30 s\n", 100 * cpu, growth);
}
