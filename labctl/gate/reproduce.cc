#include "labctl/gate/reproduce.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "labctl/base/text.h"
#include "labctl/bundle/judge.h"
#include "labctl/cell/hold.h"
#include "labctl/gate/snapshots.h"
#include "labctl/lab/scheduler.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/reproduction/inventory.h"
#include "labctl/reproduction/kept_machines.h"
#include "labctl/reproduction/reproduce.h"

namespace labctl::gate {
namespace {

namespace fs = std::filesystem;

// Everything that both ways of reproducing need.
struct Bench {
  const ReproduceOrder& order;
  Observer& observer;
  reproduction::RecordedCell recorded;
  cell::Hold hold;
  lab::CellJob job;  // from the beginning; it is not held
  machine::Host& host;
  reproduction::KeptMachines kept;
  std::string key;  // of the kept machine
  std::stop_token stop;
};

Result<cell::Hold> where_to_hold(const ReproduceOrder& order, const reproduction::RecordedCell& recorded) {
  if (!order.until.empty()) return cell::hold_at(recorded.cell, recorded.opened(), order.until);
  return cell::hold_before_failure(recorded.cell, recorded.journal.events,
                                   order.before_crash ? cell::Nearness::operation : cell::Nearness::step);
}

// What differs, in a sentence each; errors where nothing is started because of it.
Answer<std::vector<std::string>> compare(const reproduction::Inventory& inventory, bool anyway) {
  if (auto missing = inventory.missing(); !missing.empty()) return wrong(std::move(missing));
  std::vector<std::string> differences;
  std::vector<Error> errors;
  for (const auto& item : inventory.items) {
    if (item.standing == reproduction::Standing::same) continue;
    differences.push_back(fmt::format("the {} {} differs: {}", reproduction::to_string(item.thing),
                                      printable(item.name), item.what));
    errors.push_back({Fault::input, differences.back(), {}, item.hint});
  }
  if (differences.empty() || anyway) return differences;
  errors.push_back({Fault::input,
                    "nothing was started because something differs from the run",
                    {},
                    "--anyway continues, and the result says that it was not the same"});
  return wrong(std::move(errors));
}

void keep_at_end(const Bench& bench, lab::CellJob& job, std::function<bool()> wanted) {
  job.at_end = [&bench, &job, wanted = std::move(wanted)](const lab::Checkpoint& checkpoint,
                                                          const outcome::Outcome&) {
    if (wanted()) keep_machine(bench.kept, bench.key, job, checkpoint, bench.observer);
  };
}

void begin_at(lab::CellJob& job, const reproduction::KeptMachine& kept) {
  job.from = &kept.checkpoint;
  job.base.disk = kept.disk;
}

outcome::Outcome debug_once(const Bench& bench, Debugger& debugger) {
  lab::CellJob job = bench.job;
  const auto kept = bench.order.replay ? std::nullopt : bench.kept.find(bench.key);
  if (kept) begin_at(job, *kept);
  lab::DebugSession& session = debugger.begin({.step = bench.hold.step,
                                               .live = job.base.live(),
                                               .kept_since = kept ? kept->made : "",
                                               .took_then = bench.recorded.reached(bench.hold)});
  job.hold = bench.hold.left;
  job.session = &session;
  job.vnc = bench.order.vnc;
  keep_at_end(bench, job, [&] { return debugger.keeps(); });
  std::string where;
  auto outcome = lab::run_cell(
      job, bench.host,
      [&](const lab::Progress& progress) {
        if (debugger.held() || progress.ended || progress.where == where) return;
        where = progress.where;
        bench.observer.on(Said{where});
      },
      bench.stop);
  if (kept && debugger.held() && debugger.discards_kept())
    if (auto gone = bench.kept.discard(bench.key); !gone) bench.observer.on(Problem{gone.error()});
  return outcome;
}

Result<reproduction::KeptMachine> checkpoint_to_begin_at(const Bench& bench) {
  if (!bench.order.replay)
    if (auto kept = bench.kept.find(bench.key)) return std::move(*kept);
  bench.observer.on(Said{fmt::format("replaying the steps once, up to '{}'", bench.hold.step)});
  lab::CellJob job = bench.job;
  job.hold = bench.hold.left;
  keep_at_end(bench, job, [] { return true; });
  if (auto saved = reproduction::save_where_it_holds(job, bench.host, bench.stop); !saved)
    return because(saved.error(), fmt::format("the cell cannot be brought to '{}'", bench.hold.step));
  if (auto kept = bench.kept.find(bench.key)) return std::move(*kept);
  return lab_error("the machine was not kept", {}, "LABCTL_KEEP_QUOTA must have room for one");
}

std::vector<lab::CellJob> attempts(const Bench& bench, const std::optional<reproduction::KeptMachine>& kept) {
  std::vector<lab::CellJob> jobs;
  for (int attempt = 1; attempt <= bench.order.times; ++attempt) {
    lab::CellJob job = bench.job;
    if (kept) begin_at(job, *kept);
    const std::string name = "attempt-" + std::to_string(attempt);
    job.folder = bench.job.folder.parent_path() / name;
    job.disk = bench.job.disk.parent_path() / (name + ".qcow2");
    jobs.push_back(std::move(job));
  }
  return jobs;
}

Result<cell::ReproRate> repeat(const Bench& bench) {
  std::optional<reproduction::KeptMachine> kept;
  if (bench.job.base.live()) {
    auto checkpoint = checkpoint_to_begin_at(bench);
    if (!checkpoint) return fail(checkpoint.error());
    kept = std::move(*checkpoint);
  }
  const int times = bench.order.times;
  const auto jobs = attempts(bench, kept);
  const unsigned at_once = guests_at_once(bench.order.jobs, bench.job.base.shape.memory, jobs.size());
  bench.observer.on(AttemptsBegan{times, bench.hold.step, at_once});
  std::vector<outcome::Outcome> outcomes;
  lab::run_scheduled(
      jobs, bench.host, at_once,
      [&](const lab::Progress& progress) {
        if (!progress.ended) return;
        outcomes.push_back(progress.outcome);
        bench.observer.on(AttemptEnded{static_cast<int>(outcomes.size()), times, progress.outcome});
      },
      bench.stop);
  if (bench.order.discard)
    if (auto gone = bench.kept.discard(bench.key); !gone) bench.observer.on(Problem{gone.error()});
  return cell::count(bench.recorded.cell, bench.recorded.failure(), outcomes);
}

// The job of the whole cell, with what it stands on at hand.
Answer<lab::CellJob> make_job(const ReproduceOrder& order, const bundle::RecordedRun& run,
                              const plan::Cell& cell, const reproduction::Inventory& inventory,
                              machine::Host& host, const fs::path& work, const Environment& environment,
                              Observer& observer) {
  plan::Plan alone = run.record.plan;
  alone.cells = {inventory.at_hand(cell)};
  auto staged = lab::StagedArtifacts::gather(alone, "run.json", environment.store, work);
  if (!staged) return wrong(staged.error());
  auto base = prepare_base(cell.image, snapshot::shape_on(host.facts(), snapshot::shape_of(cell.machine)),
                           host, environment, observer);
  if (!base) return wrong(base.error());
  const auto& stage = staged->of(cell);
  return lab::CellJob{.cell = cell,
                      .base = *base,
                      .payload = stage.payload,
                      .files = stage.files,
                      .builds = stage.builds,
                      .signatures = signatures_of(run.record.plan),
                      .folder = (order.out.empty() ? work / "records" : order.out) / "replay",
                      .disk = work / "replay.qcow2"};
}

Answer<ReproduceResult> act(const Bench& bench, std::vector<std::string> differences, Debugger* debugger) {
  ReproduceResult result{.differences = std::move(differences), .outcome = {}, .rate = {}};
  if (bench.order.times > 0) {
    auto rate = repeat(bench);
    if (!rate) return wrong(rate.error());
    result.rate = std::move(*rate);
  } else {
    result.outcome = debug_once(bench, *debugger);
  }
  result.interrupted = bench.stop.stop_requested();
  return result;
}

}  // namespace

Answer<ReproduceResult> reproduce(const ReproduceOrder& order, const Environment& environment,
                                  Observer& observer, Debugger* debugger) {
  auto run = bundle::read_run(order.bundle);
  if (!run) return wrong(run.error());
  auto recorded = reproduction::read_recorded(*run, order.bundle, order.cell);
  if (!recorded) return wrong(recorded.error());
  auto hold = where_to_hold(order, *recorded);
  if (!hold) return wrong(hold.error());
  auto work = begin_work(environment, observer);
  if (!work) return wrong(work.error());
  auto host = open_host(environment, order.host, observer);
  if (!host) return wrong(host.error());
  const reproduction::Seek seek{order.bundle, bundle::ArtifactStore(environment.paths.artifacts),
                                order.artifacts, work->path()};
  auto inventory = reproduction::take_inventory(*run, recorded->cell, seek, environment.store, **host,
                                                environment.tool, work->path());
  if (!inventory) return wrong(inventory.error());
  auto differences = compare(*inventory, order.anyway);
  if (!differences) return wrong(differences.error());
  if (differences->empty())
    observer.on(Said{fmt::format("image, machine, host and {} artifacts are the same as in the run",
                                 inventory->artifacts.size())});
  auto job = make_job(order, *run, recorded->cell, *inventory, **host, work->path(), environment, observer);
  if (!job) return wrong(job.error());
  Bench bench{.order = order,
              .observer = observer,
              .recorded = std::move(*recorded),
              .hold = *hold,
              .job = std::move(*job),
              .host = **host,
              .kept = reproduction::KeptMachines(environment.paths.kept),
              .key = {},
              .stop = environment.stop};
  bench.job.rules = bench.recorded.opened().rules;
  bench.key = reproduction::key_of(bench.job, bench.hold.left, bench.host.facts());
  return act(bench, std::move(*differences), debugger);
}

}  // namespace labctl::gate
