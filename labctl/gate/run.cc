#include "labctl/gate/run.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/log.h"
#include "labctl/base/text.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/bundle/last_failures.h"
#include "labctl/bundle/reports.h"
#include "labctl/gate/canary.h"
#include "labctl/gate/shard.h"
#include "labctl/gate/snapshots.h"
#include "labctl/gate/suits_split.h"
#include "labctl/host/capacity.h"
#include "labctl/host/needs.h"
#include "labctl/lab/scheduler.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/outcome/accept.h"
#include "labctl/snapshot/base_snapshot.h"
#include "labctl/trust/canary.h"
#include "labctl/trust/control.h"
#include "labctl/verdict/verdict.h"

namespace labctl::gate {
namespace {

namespace fs = std::filesystem;

using Jobs = std::vector<lab::CellJob>;

// The resumed run must mean the same as it did.
Result<bundle::Bundle> reopen(const lab::Unfinished& before, const outcome::RunRecord& now) {
  if (const auto told = lab::differences(before.record, now); !told.empty())
    return input_error(fmt::format("the run cannot be resumed: {}", join(told, "; ")), before.folder.string(),
                       "put it back as it was, or run the scenario from its beginning");
  auto bundle = bundle::Bundle::reopen(before.folder);
  if (!bundle) return bundle;
  // Canaries whose proof was cut off are run again.
  bool proved = true;
  for (const auto* cell : before.record.plan.bases())
    proved &=
        bundle::read_canary(bundle->canary_folder(), before.record, cell->image, cell->machine.name).proved();
  std::error_code ignored;
  if (!proved && fs::exists(bundle->canary_folder(), ignored))
    if (auto aside = rename_synced(bundle->canary_folder(), bundle::free_name(bundle->canary_folder()));
        !aside)
      return fail(aside.error());
  return bundle;
}

// One run: what its parts share. The steps are called in their order by run().
class Run {
 public:
  Run(const RunOrder& order, const Environment& environment, Observer& observer)
      : order_(order), environment_(environment), observer_(observer) {}

  Answer<void> prepare();
  void leave_log(const std::vector<Error>& errors) const;
  Status open_bundle();
  Status run_cells();
  Answer<RunResult> publish();

 private:
  Status tell_verdict(RunResult& result, bundle::Lives lives);
  outcome::RunRecord describe() const;
  void choose_at_once();
  Result<std::set<std::string>> proved_bases();
  Jobs make_jobs(const std::set<std::string>& proved) const;
  Status reuse_controls(const Jobs& jobs, const trust::ControlCache& controls);
  Status settle_controls(const Jobs& jobs, const trust::ControlCache& controls);
  void leave_something(Jobs& jobs, lab::DumpPolicy& dumps, const reproduction::KeptMachines& kept);
  void run_jobs(const Jobs& jobs);
  bool may_begin(const lab::CellJob& job);
  std::vector<std::string> changed_meanwhile() const;
  bool stopped() const { return environment_.stop.stop_requested(); }

  const RunOrder& order_;
  const Environment& environment_;
  Observer& observer_;
  std::optional<WorkFolder> work_;
  std::optional<lab::StagedArtifacts> staged_;
  std::unique_ptr<machine::Host> host_;
  Bases bases_;
  std::string tool_sha256_;
  unsigned at_once_ = 1;
  lab::Slots slots_;
  std::optional<bundle::Bundle> bundle_;
  std::optional<log::File> log_;  // in the bundle
  outcome::RunRecord record_;
  std::atomic<bool> guest_failed_ = false, left_out_ = false;
};

constexpr const char* log_name = "labctl.log";

// Everything that can be known before there is a bundle. From here on artifacts are copies: whatever happens
// to the originals, every guest gets the same bytes.
Answer<void> Run::prepare() {
  auto work = begin_work(environment_, observer_);
  if (!work) return wrong(work.error());
  work_.emplace(std::move(*work));
  auto tool = own_digest();
  if (!tool) return wrong(tool.error());
  tool_sha256_ = std::move(*tool);
  if (order_.shard)
    if (auto suits = suits_split(*order_.shard, order_.plan, tool_sha256_, environment_.store); !suits)
      return wrong(suits.error());
  auto sources = order_.shard ? kept_sources(*order_.shard) : Result<lab::StagedArtifacts::Sources>();
  if (!sources) return wrong(sources.error());
  auto staged = lab::StagedArtifacts::gather(order_.plan, order_.scenario.file, environment_.store,
                                             work_->path(), *sources);
  if (!staged) return wrong(staged.error());
  staged_ = std::move(*staged);
  if (auto unproved = staged_->unproved(); !unproved.empty()) return wrong(std::move(unproved));
  if (auto refused = staged_->refused(); !refused.empty()) return wrong(std::move(refused));
  for (const auto& signature : staged_->signatures()) observer_.on(Note{signature});
  for (const auto& link : staged_->links()) observer_.on(Note{link});
  for (const auto& driver : staged_->untied()) observer_.on(Note{driver});
  for (const auto& problem : staged_->keep(bundle::ArtifactStore(environment_.paths.artifacts)))
    observer_.on(Problem{problem});
  auto host = open_host(environment_, order_.host, observer_);
  if (!host) return wrong(host.error());
  host_ = std::move(*host);
  auto bases = prepare_bases(order_.plan, *host_, environment_, observer_);
  if (!bases) return wrong(bases.error());
  bases_ = std::move(*bases);
  choose_at_once();
  if (auto space = check_space(work_->path(), bases_, at_once_); !space) return wrong(space.error());
  return {};
}

void Run::choose_at_once() {
  const auto capacity = host::capacity(order_.plan.largest_memory());
  at_once_ = guests_at_once(order_.jobs, order_.plan.largest_memory(), order_.plan.cells.size());
  // Over all runs: what the host carries, or more where a person said so. What a batch system gave to this
  // job is its own, and other jobs on the host have theirs.
  slots_ = {.folder = environment_.paths.cache / "slots",
            .count = capacity.allocated ? 0 : std::max(capacity.jobs, at_once_),
            .starting = std::max(1u, capacity.cores / 2)};
  observer_.on(RunBegan{order_.plan.cells.size(), at_once_, order_.jobs != 0 ? "--jobs" : capacity.why});
  const auto needs = host::needs_of(order_.plan, at_once_);
  for (const auto& check : host::check_needs(needs, host::free_space_for_guests(environment_.paths)))
    if (check.health != host::Health::ok) observer_.on(Warning{check.name + ": " + check.detail, check.fix});
}

outcome::RunRecord Run::describe() const {
  const auto& host = host_->facts();
  return {.tool = environment_.tool,
          .tool_sha256 = tool_sha256_,
          .rules = outcome::rules_now,
          .began = environment_.now(),
          .scenario = order_.scenario,
          .waivers = order_.waivers,
          .artifacts = staged_->artifacts(),
          .images = image_records(bases_),
          .host = {.hypervisor = host.hypervisor,
                   .accel = machine::to_string(host.accel),
                   .accel_reason = host.accel_reason,
                   .machine_type = host.machine_type,
                   .architecture = host.architecture,
                   .fingerprint = host.fingerprint,
                   .cpu = host.cpu},
          .plan = order_.plan};
}

// A run that fails before there is a bundle leaves its log beside where the bundle would have been, so that
// the reason is found in the morning.
void Run::leave_log(const std::vector<Error>& errors) const {
  for (const auto& error : errors) log::error("{}", error.text());
  if (stopped() || !make_dirs(order_.out)) return;
  std::string stamp = environment_.now();
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string base = stamp + "-" + slug(order_.plan.scenario) + ".no-bundle.log";
  if (auto file = log::File::open(order_.out / base))
    observer_.on(Said{fmt::format("no bundle was made; the log is {}", (order_.out / base).string())});
}

// From here on something has happened, and it ends with a bundle.
Status Run::open_bundle() {
  record_ = describe();
  if (order_.shard)
    if (auto fits = fits_split(*order_.shard, record_); !fits) return fits;
  auto bundle = order_.shard    ? begin_attempt(*order_.shard, record_)
                : order_.before ? reopen(*order_.before, record_)
                                : bundle::Bundle::create(order_.out, order_.plan.scenario);
  if (!bundle) return fail(bundle.error());
  bundle_.emplace(std::move(*bundle));
  if (auto file = log::File::open(bundle_->folder() / log_name))
    log_.emplace(std::move(*file));
  else
    observer_.on(Problem{file.error()});
  if (order_.before) {
    record_ = order_.before->record;
    record_.resumed.push_back(environment_.now());
  }
  if (auto written = bundle_->write_run(record_); !written) return written;
  const std::string folder = bundle_->folder().string();
  observer_.on(order_.shard ? Event(Said{fmt::format("writing {}", folder)})
                            : Event(BundleOpened{bundle_->folder()}));
  if (!order_.shard)
    observer_.on(
        Said{fmt::format("if interrupted, continue with: labctl run --resume {}", shell_quote(folder))});
  return {};
}

// A lab that was not seen to notice a death may not say that there was none: clones of every snapshot are
// crashed first. Gives the names of those that are proved.
Result<std::set<std::string>> Run::proved_bases() {
  trust::CanaryOrder order{.records = bundle_->canary_folder(),
                           .cache = environment_.paths.cache,
                           .work = work_->path(),
                           .tool = tool_sha256_,
                           .host = host_->facts().fingerprint,
                           .clock = environment_.clock};
  std::set<std::string> ordered;
  for (const auto& [cell, base] : bases_)
    if (ordered.insert(base.name()).second) order.bases.push_back(base);
  observer_.on(CanariesBegan{{ordered.begin(), ordered.end()}});
  const trust::Scheduler scheduler = [&](const auto& jobs) {
    lab::run_scheduled(jobs, *host_, at_once_, canary_watch(jobs.size(), observer_), environment_.stop,
                       slots_);
  };
  auto canaries = trust::prove_channels(order, scheduler, progress_to(observer_), environment_.stop);
  observer_.on(CanariesEnded{canaries ? *canaries : std::vector<outcome::Canary>{}});
  if (!canaries) return fail(canaries.error());
  std::set<std::string> proved;
  for (const auto& canary : *canaries)
    if (canary.proved()) proved.insert(canary.name());
  return proved;
}

Jobs Run::make_jobs(const std::set<std::string>& proved) const {
  const auto signatures = signatures_of(order_.plan);
  Jobs jobs;
  for (const auto& cell : order_.plan.cells)
    if (const auto& base = bases_.at(cell.id); proved.count(base.name()) != 0)
      jobs.push_back({.cell = cell,
                      .base = base,
                      .payload = staged_->of(cell).payload,
                      .files = staged_->of(cell).files,
                      .builds = staged_->of(cell).builds,
                      .signatures = signatures,
                      .folder = bundle_->cell_folder(cell.id),
                      .disk = work_->path() / (cell.id + ".qcow2")});
  // What failed the last time is the likeliest to fail again: *blocked* comes soonest when it goes first.
  const auto failed = bundle::last_failures(order_.out, order_.plan.scenario);
  std::stable_partition(jobs.begin(), jobs.end(),
                        [&](const lab::CellJob& job) { return failed.count(job.cell.id) != 0; });
  return jobs;
}

Status Run::reuse_controls(const Jobs& jobs, const trust::ControlCache& controls) {
  for (const auto& job : jobs) {
    if (!job.cell.control) continue;
    auto taken = controls.take(job);
    if (!taken) return fail(taken.error());
    if (*taken) observer_.on(ControlReused{job.cell.id});
  }
  return {};
}

// What passed is kept, and a reused control that is not enough is run now: a guest has failed beside it.
Status Run::settle_controls(const Jobs& jobs, const trust::ControlCache& controls) {
  auto judged = bundle::judge_bundle(bundle_->folder());
  if (!judged) return fail(judged.error());
  auto wanted = trust::set_aside_for_rerun(jobs, judged->verdict.wants_rerun);
  if (!wanted) return fail(wanted.error());
  if (!wanted->empty()) {
    observer_.on(ControlsRerun{wanted->size()});
    run_jobs(*wanted);
  }
  const std::string run = bundle_->folder().stem().string();
  for (const auto& job : jobs) {
    std::error_code ignored;
    const bool own = fs::exists(job.folder, ignored) && !fs::exists(job.folder / "control.json", ignored);
    if (!job.cell.control || !own) continue;
    if (auto kept = controls.keep(job, run); !kept) return kept;
  }
  return {};
}

// What a person may want to come back to: the machine before its last step, and the memory of one that
// failed.
void Run::leave_something(Jobs& jobs, lab::DumpPolicy& dumps, const reproduction::KeptMachines& kept) {
  dumps.left = order_.dumps;
  for (auto& job : jobs) {
    job.dumps = &dumps;
    if (order_.keep == Keep::none) continue;
    job.keeps_checkpoints = true;
    job.at_end = [this, &job, &kept](const lab::Checkpoint& checkpoint, const outcome::Outcome& outcome) {
      if (order_.keep == Keep::all || outcome::is_guest_failure(outcome.ending))
        keep_machine(kept, reproduction::key_of(job, checkpoint.left, host_->facts()), job, checkpoint,
                     observer_);
    };
  }
}

// A control that failed is the lab's, and a crash that is expected is no news.
bool is_unexpected_failure(const Jobs& jobs, const lab::Progress& progress) {
  const auto job = std::find_if(jobs.begin(), jobs.end(),
                                [&](const lab::CellJob& one) { return one.cell.id == progress.cell; });
  return job != jobs.end() && !job->cell.control && outcome::is_guest_failure(progress.outcome.ending) &&
         !outcome::ended_as_expected(job->cell, progress.outcome);
}

// Without its control a failure blames nobody, so controls always begin.
bool Run::may_begin(const lab::CellJob& job) {
  if (!order_.fail_fast || !guest_failed_ || job.cell.control) return true;
  left_out_ = true;
  return false;
}

void Run::run_jobs(const Jobs& jobs) {
  CellsBegan cells{.cells = {}, .at_once = at_once_};
  for (const auto& job : jobs) {
    cells.cells.push_back(job.cell.id);
    const auto boot = job.base.boot_time;
    cells.ahead.push_back({job.cell.boots_wanted(), boot.count() == 0 ? boot : boot + job.cell.settle});
  }
  observer_.on(cells);
  const auto watch = [&](const lab::Progress& progress) {
    if (progress.ended && is_unexpected_failure(jobs, progress) && !guest_failed_.exchange(true) &&
        order_.fail_fast)
      observer_.on(Said{
          fmt::format("{} failed: no cell begins after it (--fail-fast), but for controls", progress.cell)});
    observer_.on(progress.ended ? Event(CellEnded{progress}) : Event(CellMoved{progress}));
  };
  lab::run_scheduled(jobs, *host_, at_once_, watch, environment_.stop, slots_,
                     [this](const lab::CellJob& job) { return may_begin(job); });
  observer_.on(CellsEnded{});
}

Status Run::run_cells() {
  auto proved = proved_bases();
  if (!proved) {  // no cell is run, and the bundle says so
    if (proved.error().fault != Fault::interrupted) observer_.on(Problem{proved.error()});
    return {};
  }
  const Jobs jobs = make_jobs(*proved);
  const trust::ControlCache controls(environment_.paths.cache, tool_sha256_, host_->facts().fingerprint,
                                     order_.plan.signatures ? order_.plan.signatures->text : std::string(),
                                     environment_.clock);
  if (!order_.before && !order_.rerun_controls)
    if (auto reused = reuse_controls(jobs, controls); !reused) return reused;
  auto missing = lab::still_missing(jobs);
  if (!missing) return fail(missing.error());
  if (order_.before) observer_.on(RunResumed{missing->kept, missing->cut_off});
  lab::DumpPolicy dumps;
  const reproduction::KeptMachines kept(environment_.paths.kept);
  leave_something(missing->jobs, dumps, kept);
  run_jobs(missing->jobs);
  if (auto settled = settle_controls(jobs, controls); !settled) observer_.on(Problem{settled.error()});
  return {};
}

// What the run stood on and is no longer what it was.
std::vector<std::string> Run::changed_meanwhile() const {
  std::vector<std::string> changed = staged_->changed();
  std::set<std::string> seen;
  for (const auto& [cell, base] : bases_)
    if (seen.insert(base.name()).second)
      for (auto& one : snapshot::changed_since(base)) changed.push_back(std::move(one));
  return changed;
}

// The record is completed, judged from what is on disk, signed, and given its final name.
Answer<RunResult> Run::publish() {
  record_.ended = environment_.now();
  record_.interrupted = stopped();
  record_.ended_early = left_out_;
  if (!record_.faults) record_.faults.emplace();  // none that an earlier part of the run met
  for (auto& fault : changed_meanwhile()) record_.faults->push_back(std::move(fault));
  if (auto written = bundle_->write_run(record_); !written) return wrong(written.error());
  bundle::Lives lives;
  auto judged = bundle::judge_bundle(bundle_->folder(), bundle::lives_into(lives));
  if (!judged) return wrong(judged.error());
  RunResult result{
      .bundle = {}, .judged = std::move(*judged), .interrupted = record_.interrupted, .is_signed = {}};
  if (auto told = order_.shard ? Status() : tell_verdict(result, std::move(lives)); !told)
    return wrong(told.error());
  observer_.on(RunEnded{bundle_->folder(), verdict::to_string(result.judged.verdict.decision), stopped()});
  log_.reset();
  auto folder = bundle_->close();
  if (!folder) return wrong(folder.error());
  result.bundle = std::move(*folder);
  return result;
}

// What people and other programs read of the verdict; of a shard there is none of it.
Status Run::tell_verdict(RunResult& result, bundle::Lives lives) {
  if (auto written = bundle_->add("verdict.json", result.judged.verdict_json); !written) return written;
  if (order_.attest) {
    auto attestation = order_.attest(result.judged);
    result.is_signed =
        attestation ? bundle_->add("attestation.json", *attestation) : Status(fail(attestation.error()));
  }
  // Reports are for people: one that cannot be written is an error message, and the verdict stands.
  for (const auto& problem :
       bundle::write_reports(bundle_->folder(), result.judged, order_.debug_files, std::move(lives)))
    observer_.on(Problem{problem});
  return {};
}

}  // namespace

Answer<RunResult> run(const RunOrder& order, const Environment& environment, Observer& observer) {
  Run run(order, environment, observer);
  if (auto ready = run.prepare(); !ready) {
    run.leave_log(ready.error());
    return wrong(ready.error());
  }
  if (auto opened = run.open_bundle(); !opened) return wrong(opened.error());
  if (auto ran = run.run_cells(); !ran) return wrong(ran.error());
  return run.publish();
}

}  // namespace labctl::gate
