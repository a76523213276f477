// What labctl fuzz adds to a restore: its trials against a bare loop that does the same with a hypervisor and
// an agent and nothing else (loadvm, deliver, apply, exercise, read taint and log). Ratios of one run on one
// host can be compared.
//
//   fuzz_bench SCENARIO [TRIALS [ROUNDS]]     the scenario's image must be built; uses the paths that labctl
//   uses

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/gate/fuzz_start.h"
#include "labctl/gate/observer.h"
#include "labctl/guest/guest.h"
#include "labctl/hunt/corpus.h"
#include "labctl/machine/restore.h"

using namespace labctl;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "fuzz_bench: %s\n", why.c_str());
  std::_Exit(3);
}

class Silent final : public gate::Observer {
  void on(const gate::Event&) override {}
};

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// What anybody would write in an afternoon.
class Bare {
 public:
  Bare(machine::Host& host, const gate::FuzzStart& start) : start_(start) {
    const fs::path disk = start.trials.work / "bare.qcow2";
    if (auto copied = snapshot::copy_disk(start.trials.base.disk, disk); !copied)
      give_up(copied.error().text());
    auto machine = host.create(
        {.name = "labctl-bare", .shape = start.trials.base.shape, .accel = host.facts().accel, .disk = disk},
        [](const machine::Notification&) {});
    if (!machine) give_up(machine.error().text());
    machine_ = std::move(*machine);
    if (auto started = machine_->start(machine::From::before); !started) give_up(started.error().text());
  }
  ~Bare() { machine_->end(); }

  double live(const std::string& content) {
    const auto began = Clock::now();
    if (auto back = machine::restore(*machine_, machine::From::before); !back) give_up(back.error().text());
    const auto& guest = start_.trials.guest;
    std::string script = "printf %s '";
    script += base64_encode(content);
    script += "' | base64 -d >";
    script += guest.content->path;
    script += "\n";
    script += guest.content->apply;
    script += "\n";
    for (const auto& command : guest.exercise) script += command.run + "\n";
    script += "cat /proc/sys/kernel/tainted; dmesg -r";
    const auto started = machine_->ask(
        {{"execute", "guest-exec"},
         {"arguments", {{"path", "/bin/sh"}, {"arg", {"-c", script}}, {"capture-output", true}}}},
        10s);
    if (!started) give_up(started.error().text());
    for (const auto until = Clock::now() + 2min;; std::this_thread::sleep_for(50ms)) {
      const auto status = machine_->ask(
          {{"execute", "guest-exec-status"}, {"arguments", {{"pid", number_at(*started, "pid")}}}}, 10s);
      if (status && flag_at(*status, "exited")) break;
      if (Clock::now() > until) give_up("a bare trial did not end within two minutes");
    }
    return seconds(Clock::now() - began);
  }

 private:
  const gate::FuzzStart& start_;
  std::unique_ptr<machine::Machine> machine_;
};

// Variants that the guest survives, the same for both.
std::vector<std::string> variants(const gate::FuzzStart& start, std::size_t count) {
  std::vector<std::string> all;
  for (std::uint64_t number = 0; all.size() < count; ++number) {
    hunt::Chance chance(1, number);
    auto variant = hunt::make_variant(hunt::Maker::bits, {.parent = start.good, .others = {}}, chance);
    if (!variant.how.empty()) all.push_back(std::move(variant.bytes));
  }
  return all;
}

struct Bench {
  machine::Host& host;
  const gate::FuzzStart& start;
  std::vector<std::string> contents;

  double bare() const {
    Bare loop(host, start);
    std::vector<double> took;
    for (const auto& content : contents) took.push_back(loop.live(content));
    return median(took);
  }
  double trials(lab::TrialGuest& guest) const {
    std::vector<double> took;
    for (const auto& content : contents) {
      const auto began = Clock::now();
      const auto seen = guest.live(content);
      if (!seen) give_up(seen.error().text());
      std::vector<hunt::Said> said;
      for (const auto& answer : seen->answers) said.push_back({answer.exit_code, answer.output});
      static_cast<void>(hunt::fingerprint(said, content));
      took.push_back(seconds(Clock::now() - began));
    }
    return median(took);
  }
};

void measure(const Bench& bench, lab::TrialGuest& guest, int rounds) {
  std::vector<double> ratios, per_minute;
  for (int round = 0; round < rounds; ++round) {
    const double before = bench.bare(), trial = bench.trials(guest), after = bench.bare();
    ratios.push_back((before + after) / 2 / trial);
    per_minute.push_back(60 / trial);
  }
  const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf("| | median | from to |\n| --- | --- | --- |\n");
  std::printf("| share of a bare loop's trials | %.2f | %.2f to %.2f |\n", median(ratios), *least, *most);
  const auto [slowest, fastest] = std::minmax_element(per_minute.begin(), per_minute.end());
  std::printf("| variants per minute and core | %.1f | %.1f to %.1f |\n", median(per_minute), *slowest,
              *fastest);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) give_up("usage: fuzz_bench SCENARIO [TRIALS [ROUNDS]]");
  const std::size_t trials = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 15;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  const auto text = read_file(argv[1]);
  if (!text) give_up(text.error().text());
  const auto loaded = scenario::load(*text, argv[1], {});
  if (!loaded.scenario) give_up(loaded.mistakes.front().text());
  const auto plan = plan::expand(
      *loaded.scenario, Date(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())));
  if (!plan) give_up(plan.error().text());
  const auto paths = host::paths();
  if (!paths) give_up(paths.error().text());
  Silent observer;
  const gate::Environment environment{
      .paths = *paths, .store = image::Store(paths->recipes, paths->store), .tool = "fuzz_bench"};
  auto work = gate::begin_work(environment, observer);
  if (!work) give_up(work.error().front().text());
  auto host = gate::open_host(environment, {}, observer);
  if (!host) give_up(host.error().text());
  auto start = gate::prepare_start({.plan = *plan, .scenario = argv[1], .cell = {}}, **host, work->path(),
                                   environment, observer);
  if (!start) give_up(start.error().front().text());
  lab::TrialGuest guest(**host, start->trials, {});
  if (auto good = guest.begin(start->good); !good) give_up(good.error().text());
  measure({**host, *start, variants(*start, trials)}, guest, rounds);
}
