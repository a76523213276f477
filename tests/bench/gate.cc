// What the gate costs, as ratios taken in one run on one host; absolute times are printed only to read the
// ratios by. Ends by itself: every wait has a limit, and one that is reached ends the whole with code 3.
//
//   gate_bench IMAGE [REBOOTS [GUESTS [ROUNDS]]]     IMAGE must be built; uses the paths that labctl uses
//
//   restore    from the live snapshot to an agent that answers, against a boot of the same disk
//   gate/bare  a scheduler of control cells against a bare loop that does the same steps (restore, reboot,
//              wait for the agent and the end of the boot, settle) with the hypervisor and the agent and
//              nothing else; each gate stands between two bare loops, so that a host that gets busier speaks
//              for neither
//   finding    from the guest's panic to the finding in the cell's journal
//   twenty     the last five of twenty reboots in one QEMU against the first five
//   idle       labctl's own CPU while ten guests do nothing but answer heartbeats

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/cell/cell.h"
#include "labctl/gate/housekeeping.h"
#include "labctl/history/entry.h"
#include "labctl/host/paths.h"
#include "labctl/lab/scheduler.h"
#include "labctl/snapshot/base_snapshot.h"
#include "labctl/snapshot/shell.h"

using namespace labctl;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr Millis settle = 5s;
constexpr auto patience = 10min;  // for anything that a guest does by itself
constexpr int long_story = 20;    // reboots

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "gate_bench: %s\n", why.c_str());
  std::_Exit(3);  // guests' threads may be at work
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  give_up(result.error().text());
}
void must(Status status) {
  if (!status) give_up(status.error().text());
}

template <class Condition>
void wait_until(const char* what, Clock::duration pause, Condition&& condition) {
  const auto until = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() > until) give_up(std::string(what) + " did not come within ten minutes");
    std::this_thread::sleep_for(pause);
  }
}

// The values of several rounds of one measurement.
struct Rounds {
  std::vector<double> values;
  double median() const {
    std::vector<double> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }
  double least() const { return *std::min_element(values.begin(), values.end()); }
  double most() const { return *std::max_element(values.begin(), values.end()); }
};

struct Bench {
  machine::Host& host;
  snapshot::BaseSnapshot base;
  fs::path work;
  int reboots, guests;
  std::stop_source stop;

  std::unique_ptr<machine::Machine> start(const std::string& name, machine::From from,
                                          const machine::Sink& sink) {
    const fs::path disk = work / (name + ".qcow2");
    must(snapshot::copy_disk(base.disk, disk));
    auto machine = must(
        host.create({.name = name, .shape = base.shape, .accel = host.facts().accel, .disk = disk}, sink));
    must(machine->start(from));
    return machine;
  }

  static void wait_for_agent(machine::Machine& machine) {
    wait_until("an answer of the agent", 100ms, [&] {
      return machine.ask({{"execute", "guest-ping"}}, 5s).has_value();
    });
  }

  double seconds_to_agent(machine::From from) {
    const auto began = Clock::now();
    auto machine = start("bench-start", from, [](const machine::Notification&) {});
    wait_for_agent(*machine);
    return seconds(Clock::now() - began);
  }

  // One guest of the bare loop: what anybody would write in an afternoon. An agent's link counts only after
  // the reset of its own boot: one that the restored guest opens late is no reboot.
  void bare_guest(const std::string& name) {
    std::atomic<int> resets = 0, links = 0;
    auto machine = start(name, machine::From::snapshot, [&](const machine::Notification& notification) {
      if (std::holds_alternative<machine::GuestReset>(notification)) ++resets;
      if (const auto* link = std::get_if<machine::AgentLink>(&notification); link && link->up) ++links;
    });
    wait_for_agent(*machine);
    const auto none = stop.get_token();
    for (int boot = 0; boot < reboots; ++boot) {
      const int resets_before = resets;
      static_cast<void>(
          machine->ask({{"execute", "guest-exec"},
                        {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", "shutdown -r now"}}}}},
                       5s));
      wait_until("the guest's reset", 50ms, [&] { return resets != resets_before; });
      const int links_before = links;
      wait_until("the agent's link", 50ms, [&] { return links != links_before; });
      wait_for_agent(*machine);
      static_cast<void>(snapshot::ask_shell(*machine, "systemctl is-system-running --wait", patience, none));
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

  plan::Cell cell(const std::string& id, int boots) const {
    plan::Cell c;
    c.id = id;
    c.control = true;
    c.image = base.image.name;
    c.settle = settle;
    for (int i = 0; i < boots; ++i) c.story.push_back({.kind = scenario::StepKind::reboot});
    return c;
  }

  lab::CellJob job(const plan::Cell& c) const {
    return {.cell = c, .base = base, .folder = work / c.id, .disk = work / (c.id + ".qcow2")};
  }

  std::vector<event::Event> journal_of(const plan::Cell& c) const {
    const fs::path file = work / c.id / "events.jsonl";
    return must(event::read_journal(must(read_file(file)), c.id, file.string())).events;
  }

  void remove_records(const plan::Cell& c) const {
    std::error_code ignored;
    fs::remove_all(work / c.id, ignored);
  }

  double gate_loop() {
    std::vector<lab::CellJob> jobs;
    for (int i = 0; i < guests; ++i) jobs.push_back(job(cell("bench-gate-" + std::to_string(i), reboots)));
    const auto began = Clock::now();
    int passed = 0;
    lab::run_scheduled(
        jobs, host, static_cast<unsigned>(guests),
        [&](const lab::Progress& p) { passed += p.ended && p.outcome.ending == outcome::Ending::passed; },
        stop.get_token());
    const double took = seconds(Clock::now() - began);
    if (passed != guests)
      give_up("only " + std::to_string(passed) + " of " + std::to_string(guests) + " cells passed");
    for (const auto& one : jobs) remove_records(one.cell);
    return took;
  }

  // The panic device and the console both report; the two times are the journal's.
  double finding_seconds() {
    plan::Cell c = cell("bench-panic", 0);
    c.story = {{.kind = scenario::StepKind::run,
                .text = "(sleep 2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 & sleep 1"},
               {.kind = scenario::StepKind::wait, .wait = 60s},
               {.kind = scenario::StepKind::reboot}};
    lab::run_cell(
        job(c), host, [](const lab::Progress&) {}, stop.get_token());
    std::optional<Millis> died, found;
    for (const auto& e : journal_of(c)) {
      if (std::holds_alternative<event::Panicked>(e.what) && !died) died = e.at;
      if (std::holds_alternative<event::Found>(e.what) && !found) found = e.at;
    }
    remove_records(c);
    if (!died || !found) give_up("a guest that was made to panic left no panic, or no finding");
    return std::abs(static_cast<double>((*found - *died).count())) / 1000;
  }

  // Seconds from the reset to the agent of each boot of one long story.
  std::vector<double> long_story_boots() {
    const plan::Cell c = cell("bench-twenty", long_story);
    lab::run_cell(
        job(c), host, [](const lab::Progress&) {}, stop.get_token());
    std::vector<double> boots;
    for (const auto& boot : history::boots_of(c, journal_of(c), long_story))
      boots.push_back(static_cast<double>(boot.agent_ms) / 1000);
    if (boots.size() != long_story) give_up("a story of twenty reboots did not come to its end");
    return boots;
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
      plan::Cell c = cell("bench-idle-" + std::to_string(i), 0);
      c.story = {{.kind = scenario::StepKind::wait, .wait = 90s}};
      jobs.push_back(job(c));
    }
    std::jthread scheduler([&] {
      lab::run_scheduled(
          jobs, host, 10, [](const lab::Progress&) {}, stop.get_token());
    });
    std::this_thread::sleep_for(45s);
    const double before = own_cpu();
    const long memory = resident_kib();
    std::this_thread::sleep_for(30s);
    return {(own_cpu() - before) / 30, resident_kib() - memory};
  }
};

double mean(const std::vector<double>& values, std::size_t from, std::size_t count) {
  double sum = 0;
  for (std::size_t i = from; i < from + count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

void row(const char* what, const Rounds& ratio, const char* unit, const std::string& read_by) {
  std::printf("| %s | %.2f%s | %.2f to %.2f | %s |\n", what, ratio.median(), unit, ratio.least(),
              ratio.most(), read_by.c_str());
  std::fflush(stdout);
}

std::string figure(const char* format, double a, double b) {
  char text[120];
  std::snprintf(text, sizeof text, format, a, b);
  return text;
}

void measure(Bench& bench, int rounds) {
  std::printf("| what | median | of %d rounds | median seconds |\n| --- | --- | --- | --- |\n", rounds);
  Rounds restore, cold, faster;
  for (int i = 0; i < rounds; ++i) {
    restore.values.push_back(bench.seconds_to_agent(machine::From::snapshot));
    cold.values.push_back(bench.seconds_to_agent(machine::From::power_on));
    faster.values.push_back(restore.values.back() / cold.values.back());
  }
  row("restore / boot", faster, "", figure("%.2f, %.1f", restore.median(), cold.median()));
  Rounds bare, gate, ratio;
  bare.values.push_back(bench.bare_loop());
  for (int i = 0; i < rounds; ++i) {
    gate.values.push_back(bench.gate_loop());
    bare.values.push_back(bench.bare_loop());
    ratio.values.push_back(gate.values.back() / mean(bare.values, static_cast<std::size_t>(i), 2));
  }
  row("gate / bare loop", ratio, "", figure("%.1f, %.1f", gate.median(), bare.median()));
  Rounds finding;
  for (int i = 0; i < rounds; ++i) finding.values.push_back(bench.finding_seconds());
  row("panic to finding", finding, " s", "");
  const auto boots = bench.long_story_boots();
  const double first = mean(boots, 0, 5), last = mean(boots, boots.size() - 5, 5);
  std::printf("| reboots 16 to 20 / 1 to 5, one QEMU | %.2f | one story | %.1f, %.1f |\n", last / first, last,
              first);
  const auto [cpu, growth] = bench.idle();
  std::printf("| ten idle guests, labctl's CPU | %.1f %% of a core | 30 s | memory %+ld KiB |\n", 100 * cpu,
              growth);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: gate_bench IMAGE [REBOOTS [GUESTS [ROUNDS]]]\n");
    return 2;
  }
  const auto number = [&](int i, int otherwise) {
    return std::max(1, argc > i ? std::atoi(argv[i]) : otherwise);
  };
  const auto paths = must(host::paths());
  const image::Store store(paths.recipes, paths.store);
  auto work = must(gate::WorkFolder::create(paths));
  auto host = must(machine::open_host({.runtime = paths.runtime, .cache = paths.cache}));
  auto base = must(snapshot::prepare_base(*host, store, argv[1], {},
                                          [](std::string_view line) {
                                            std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()),
                                                         line.data());
                                          },
                                          {}));
  Bench bench{*host, base, work.path(), number(2, 2), number(3, 2), {}};
  measure(bench, number(4, 5));
}
