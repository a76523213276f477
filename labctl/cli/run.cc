// labctl run: from a scenario to a verdict. run() is the table of contents.

#include <algorithm>
#include <optional>
#include <set>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/reports.h"
#include "labctl/cli/debug_option.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/progress.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/snapshots.h"
#include "labctl/cli/verbs.h"
#include "labctl/lab/canary.h"
#include "labctl/lab/control.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/ground.h"
#include "labctl/lab/housekeeping.h"
#include "labctl/lab/interrupt.h"
#include "labctl/lab/needs.h"
#include "labctl/lab/resume.h"
#include "labctl/lab/supplies.h"
#include "labctl/report/report.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {
namespace {

struct RunOptions {
  std::string scenario;
  Settings settings;
  scenario::Variables variables;  // of the settings
  std::string only;
  std::string waivers;  // a file, or none
  unsigned jobs = 0;    // 0: as many as the host carries
  std::string out = "reports/runs";
  std::string resume;  // a bundle to go on with: what is run is in its record
  HostChoice host;
  SigningOptions signing;
  std::string keep = "none";       // machines to come back to: failed, all or none
  bool fresh_controls = false;     // although there are some that are believed
  int dumps = 0;                   // how many failed guests may leave their memory behind
  std::vector<std::string> debug;  // modules with their debug information, for the reports
  machine::HostOpener open_host;
};

namespace fs = std::filesystem;

struct Waivers {
  std::string text;
  std::vector<scenario::Acceptance> entries;
};

// Complains by itself and gives nothing when there is a mistake; no file is no waiver. What a record holds is
// believed as it was.
std::optional<Waivers> read_waivers(const std::string& file, const lab::Unfinished* before) {
  const std::string recorded = before ? before->record.waivers.text : std::string();
  if (file.empty() && recorded.empty()) return Waivers{};
  auto text = before ? Result<std::string>(recorded) : read_file(file, 4u << 20);
  if (!text) {
    complain(Error{Fault::input, text.error().what, file, {}});
    return std::nullopt;
  }
  auto loaded = scenario::load_waivers(*text, before ? "the recorded waivers" : file);
  if (!loaded.waivers) {
    complain(loaded.mistakes);
    return std::nullopt;
  }
  return Waivers{std::move(*text), std::move(*loaded.waivers)};
}

outcome::RunRecord describe_run(const RunOptions& options, const scenario::Scenario& scenario,
                                const std::string& waivers, const plan::Plan& plan,
                                const lab::Supplies& supplies, const Grounds& grounds,
                                const machine::HostFacts& host, const std::string& tool) {
  std::error_code ignored;
  return {.tool = std::string("labctl ") + LABCTL_VERSION,
          .tool_sha256 = tool,
          .rules = verdict::rules_now,
          .began = bundle::utc_now(),
          .scenario = {.file = options.scenario,
                       .path = fs::absolute(options.scenario, ignored).lexically_normal().string(),
                       .text = scenario.text,
                       .set = {options.variables.begin(), options.variables.end()},
                       .only = options.only},
          .waivers = {options.waivers, waivers},
          .artifacts = supplies.artifacts(),
          .images = image_records(grounds),
          .host = {.hypervisor = host.hypervisor,
                   .accel = machine::to_string(host.accel),
                   .accel_reason = host.accel_reason,
                   .machine_type = host.machine_type,
                   .architecture = host.architecture,
                   .fingerprint = host.fingerprint},
          .plan = plan};
}

// Guests at once over all runs: what the host carries, or more where a person said so.
lab::Slots slots_of(const lab::Places& places, const plan::Plan& plan, unsigned at_once) {
  std::uint64_t memory = 0;
  for (const auto& cell : plan.cells) memory = std::max(memory, cell.machine.memory);
  return {.folder = places.cache / "slots", .count = std::max(lab::capacity(memory).jobs, at_once)};
}

// A lab that was not seen to notice a death may not say that there was none: clones of every ground die
// first. Gives the names of those that are proved.
Result<std::set<std::string>> proved_grounds(const Grounds& grounds, const bundle::Bundle& bundle,
                                             machine::Host& host, const lab::Places& places,
                                             const fs::path& work, const std::string& tool, unsigned at_once,
                                             const lab::Slots& slots, const std::stop_token& stop) {
  lab::CanaryOrder order{.records = bundle.canary_folder(),
                         .cache = places.cache,
                         .work = work,
                         .tool = tool,
                         .host = host.facts().fingerprint};
  std::set<std::string> ordered;
  for (const auto& [cell, ground] : grounds)
    if (ordered.insert(ground.name()).second) order.grounds.push_back(ground);
  const lab::Crew crew = [&](const auto& jobs) {
    lab::run_crew(
        jobs, host, at_once, [](const auto&) {}, stop, slots);
  };
  auto canaries = lab::prove_channels(order, crew, say, stop);
  if (!canaries) return fail(canaries.error());
  std::set<std::string> proved;
  for (const auto& canary : *canaries) {
    if (canary.proved())
      proved.insert(canary.name());
    else
      say(report::canary_table(canary) + "labctl: the cells of " + canary.name() + " are not run");
  }
  return proved;
}

std::vector<lab::CellJob> make_jobs(const plan::Plan& plan, const lab::Supplies& supplies,
                                    const Grounds& grounds, const std::set<std::string>& proved,
                                    const bundle::Bundle& bundle, const fs::path& work) {
  const auto signatures = signatures_of(plan);
  std::vector<lab::CellJob> jobs;
  for (const auto& cell : plan.cells)
    if (proved.count(grounds.at(cell.id).name()) != 0)
      jobs.push_back({.cell = cell,
                      .ground = grounds.at(cell.id),
                      .payload = supplies.of(cell).payload,
                      .files = supplies.of(cell).files,
                      .signatures = signatures,
                      .folder = bundle.cell_folder(cell.id),
                      .disk = work / (cell.id + ".qcow2")});
  return jobs;
}

// Controls that are believed are not lived again; each is told.
Status take_kept(const std::vector<lab::CellJob>& jobs, const lab::KeptControls& controls) {
  for (const auto& job : jobs) {
    if (!job.cell.control) continue;
    auto taken = controls.take(job);
    if (!taken) return fail(taken.error());
    if (*taken)
      say("labctl: " + job.cell.id + " has passed within the last week and is believed (--fresh-controls)");
  }
  return {};
}

// What passed is kept, and what was kept and is not enough is lived now: a guest has failed beside it.
Status settle_controls(const std::vector<lab::CellJob>& jobs, const bundle::Bundle& bundle,
                       const lab::KeptControls& controls,
                       const std::function<void(const std::vector<lab::CellJob>&)>& live) {
  auto judged = bundle::judge_bundle(bundle.folder());
  if (!judged) return fail(judged.error());
  auto wanted = lab::afresh(jobs, judged->verdict.wants_afresh);
  if (!wanted) return fail(wanted.error());
  if (!wanted->empty()) {
    say("labctl: a guest failed beside controls of earlier runs: " + std::to_string(wanted->size()) +
        " controls are lived afresh");
    live(*wanted);
  }
  const std::string run = bundle.folder().stem().string();
  for (const auto& job : jobs) {
    std::error_code ignored;
    const bool lived = fs::exists(job.folder, ignored) && !fs::exists(job.folder / "control.json", ignored);
    if (!job.cell.control || !lived) continue;
    if (auto kept = controls.keep(job, run); !kept) return kept;
  }
  return {};
}

// What a person may want to come back to: the machine before its last step, and the memory of one that
// failed.
void leave_something(std::vector<lab::CellJob>& jobs, const RunOptions& options, lab::DumpPolicy& dumps,
                     const lab::Kept& kept, const machine::HostFacts& host) {
  dumps.left = options.dumps;
  for (auto& job : jobs) {
    job.dumps = &dumps;
    if (options.keep == "none") continue;
    job.keeps_checkpoints = true;
    job.at_end = [&](const lab::Checkpoint& checkpoint, const verdict::Outcome& outcome) {
      if (options.keep == "all" || verdict::guests_fault(outcome.ending))
        keep_machine(kept, lab::key_of(job, checkpoint.left, host), job, checkpoint);
    };
  }
}

unsigned guests_at_once(const RunOptions& options, const plan::Plan& plan, const lab::Places& places) {
  std::uint64_t memory = 0;
  for (const auto& cell : plan.cells) memory = std::max(memory, cell.machine.memory);
  const auto capacity = lab::capacity(memory);
  const auto wanted = options.jobs != 0 ? options.jobs : capacity.jobs;
  const auto jobs = static_cast<unsigned>(std::min<std::size_t>(wanted, plan.cells.size()));
  say("labctl: " + std::to_string(plan.cells.size()) + " cells, " + std::to_string(jobs) + " at once (" +
      (options.jobs != 0 ? "--jobs" : capacity.why) + ")");
  for (const auto& check : lab::check_needs(lab::needs_of(plan, jobs), lab::free_space_for_guests(places)))
    if (check.health != lab::Health::ok)
      say("labctl: warning: " + check.name + ": " + check.detail + " (" + check.fix + ")");
  return jobs;
}

void watch_cells(const std::vector<lab::CellJob>& jobs, machine::Host& host, unsigned at_once,
                 const lab::Slots& slots, const std::stop_token& stop) {
  std::vector<std::string> ids;
  for (const auto& job : jobs) ids.push_back(job.cell.id);
  ProgressDisplay display(ids, stderr_is_terminal());
  lab::run_crew(
      jobs, host, at_once, [&](const lab::Progress& progress) { display.update(progress); }, stop, slots);
}

// What the record says is run again as it says it; the scenario may have been moved.
RunOptions as_recorded(RunOptions options, const lab::Unfinished& before) {
  const auto& recorded = before.record.scenario;
  if (options.scenario.empty()) options.scenario = recorded.path;
  options.variables = {recorded.set.begin(), recorded.set.end()};
  options.only = recorded.only;
  return options;
}

// A run that is gone on with must mean the same as it did.
Result<bundle::Bundle> reopen(const lab::Unfinished& before, const outcome::RunRecord& now) {
  if (const auto told = lab::differences(before.record, now); !told.empty())
    return input_error("the run cannot go on: " + join(told, "; "), before.folder.string(),
                       "put it back as it was, or run the scenario from its beginning");
  auto bundle = bundle::Bundle::reopen(before.folder);
  if (!bundle) return bundle;
  // Canaries whose proof was cut off die again.
  bool proved = true;
  for (const auto* cell : before.record.plan.grounds())
    proved &=
        bundle::read_canary(bundle->canary_folder(), before.record, cell->image, cell->machine.name).proved();
  std::error_code ignored;
  if (!proved && fs::exists(bundle->canary_folder(), ignored))
    if (auto aside = rename_synced(bundle->canary_folder(), bundle::free_name(bundle->canary_folder()));
        !aside)
      return fail(aside.error());
  return bundle;
}

// What the run stood on and is no longer what it was.
std::vector<std::string> changed_meanwhile(const lab::Supplies& supplies, const Grounds& grounds) {
  std::vector<std::string> changed = supplies.changed();
  std::set<std::string> seen;
  for (const auto& [cell, ground] : grounds)
    if (seen.insert(ground.name()).second)
      for (auto& one : lab::changed_since(ground)) changed.push_back(std::move(one));
  return changed;
}

// The record is completed, judged from what is on disk, signed, and given its final name. A verdict that
// should have been signed and was not opens nothing.
int publish(bundle::Bundle& bundle, outcome::RunRecord run, const std::vector<std::string>& changed,
            bool interrupted, const std::optional<Signer>& signer, const std::vector<fs::path>& debug_files) {
  run.ended = bundle::utc_now();
  run.interrupted = interrupted;
  if (!run.faults) run.faults.emplace();  // none that an earlier part of the run met
  run.faults->insert(run.faults->end(), changed.begin(), changed.end());
  if (auto written = bundle.write_run(run); !written) return complain(written.error());
  auto judged = bundle::judge_bundle(bundle.folder());
  if (!judged) return complain(judged.error());
  if (auto written = bundle.add("verdict.json", judged->verdict_json); !written)
    return complain(written.error());
  Status is_signed;
  if (signer) {
    auto attestation = signer->attest(*judged);
    is_signed =
        attestation ? bundle.add("attestation.json", *attestation) : Status(fail(attestation.error()));
  }
  // Reports are for people: one that cannot be written is said, and the verdict stands.
  for (const auto& problem : bundle::write_reports(bundle.folder(), *judged, debug_files)) complain(problem);
  auto folder = bundle.close();
  if (!folder) return complain(folder.error());
  print_as_is(report::summary(judged->verdict, judged->run.plan, {.colour = use_colour(1)}));
  print("bundle: " + folder->string() + "\n");
  if (interrupted) say("labctl: to go on: labctl run --resume " + shell_quote(folder->string()));
  const int code = interrupted ? exit_code::interrupted : judged->verdict.exit_code();
  if (is_signed) return code;
  complain(because(is_signed.error(), "the verdict could not be signed").value());
  return code == exit_code::passed ? exit_code::no_verdict : code;
}

int run(const RunOptions& typed) {
  RunOptions asked = typed;
  auto variables = asked.settings.variables();
  if (!variables) return complain(variables.error());
  asked.variables = std::move(*variables);
  if (asked.scenario.empty() && asked.resume.empty())
    return complain(Error{
        Fault::input, "run wants a SCENARIO, or --resume with the BUNDLE of a run that was cut off", {}, {}});
  std::optional<lab::Unfinished> before;
  if (!asked.resume.empty()) {
    auto read = lab::read_unfinished(asked.resume);
    if (!read) return complain(read.error());
    before = std::move(*read);
  }
  const RunOptions options = before ? as_recorded(asked, *before) : asked;
  const auto waivers = read_waivers(options.waivers, before ? &*before : nullptr);
  if (!waivers) return exit_code::bad_input;
  auto loaded = load_plan(options.scenario, options.variables, options.only, waivers->entries,
                          before ? before->record.plan.date : today());
  if (!loaded) return exit_code::bad_input;
  const auto& [scenario, plan] = *loaded;
  const std::vector<fs::path> debug_files(options.debug.begin(), options.debug.end());
  if (auto usable = symbolize::source_lines({}, debug_files); !usable) return complain(usable.error());
  for (const auto& note : plan.notes) say("labctl: note: " + note);

  std::optional<Signer> signer;
  if (wants_signature(options.signing)) {
    auto opened = Signer::open(options.signing);
    if (!opened) return complain(opened.error());
    signer = std::move(*opened);
  }
  const auto found = lab::places();
  if (!found) return complain(found.error());
  const lab::Places& places = *found;
  const auto store = open_store(places);
  if (int code = refuse_bad_host(places); code != exit_code::passed) return code;
  lab::Interrupt interrupt([] { say("labctl: interrupted: ending the guests and keeping what they left"); });
  for (const auto& line : lab::collect_garbage(places, store).done) say("labctl: " + line);

  auto work = lab::WorkFolder::create(places);
  if (!work) return complain(work.error());
  auto supplies = lab::Supplies::gather(plan, options.scenario, store, work->path());
  if (!supplies) return complain(supplies.error());
  for (const auto& link : supplies->links()) say("labctl: note: " + link);
  // From here on artefacts are copies: whatever happens to the originals, every guest gets the same bytes.
  for (const auto& problem : supplies->keep(bundle::ArtefactStore(places.artefacts))) complain(problem);

  auto host = options.open_host({.uri = options.host.connect,
                                 .accel = options.host.wish(),
                                 .runtime = places.runtime,
                                 .cache = places.cache});
  if (!host) return complain(host.error());
  say("labctl: " + (*host)->facts().hypervisor + ", " + machine::to_string((*host)->facts().accel) + ": " +
      (*host)->facts().accel_reason);
  auto grounds = prepare_grounds(plan, **host, store, interrupt.token());
  if (!grounds) return complain(grounds.error());
  const unsigned at_once = guests_at_once(options, plan, places);
  if (auto space = check_space(work->path(), *grounds, at_once); !space) return complain(space.error());

  auto tool = own_digest();
  if (!tool) return complain(tool.error());
  auto record =
      describe_run(options, scenario, waivers->text, plan, *supplies, *grounds, (*host)->facts(), *tool);
  auto bundle = before ? reopen(*before, record) : bundle::Bundle::create(options.out, plan.scenario);
  if (!bundle) return complain(bundle.error());
  if (before) {
    record = before->record;
    record.resumed.push_back(bundle::utc_now());
  }
  if (auto written = bundle->write_run(record); !written) return complain(written.error());
  // From here on something has happened, and it ends with a bundle.
  say("labctl: writing " + bundle->folder().string() + "; if it is cut off, 'labctl run --resume' goes on");

  const lab::Slots slots = slots_of(places, plan, at_once);
  auto proved = proved_grounds(*grounds, *bundle, **host, places, work->path(), *tool, at_once, slots,
                               interrupt.token());
  if (!proved && proved.error().fault != Fault::interrupted) complain(proved.error());
  if (proved) {
    const auto jobs = make_jobs(plan, *supplies, *grounds, *proved, *bundle, work->path());
    const lab::KeptControls controls(places.cache, *tool, (*host)->facts().fingerprint,
                                     plan.signatures ? plan.signatures->text : std::string());
    if (!before && !options.fresh_controls)
      if (auto taken = take_kept(jobs, controls); !taken) return complain(taken.error());
    auto missing = lab::still_missing(jobs);
    if (!missing) return complain(missing.error());
    if (before)
      say("labctl: going on: " + std::to_string(missing->kept) + " cells had ended and are kept, " +
          std::to_string(missing->cut_off) + " were cut off and begin again");
    lab::DumpPolicy dumps;
    const lab::Kept kept(places.kept);
    leave_something(missing->jobs, options, dumps, kept, (*host)->facts());
    const auto live = [&](const std::vector<lab::CellJob>& some) {
      watch_cells(some, **host, at_once, slots, interrupt.token());
    };
    live(missing->jobs);
    if (auto settled = settle_controls(jobs, *bundle, controls, live); !settled) complain(settled.error());
  }
  return publish(*bundle, std::move(record), changed_meanwhile(*supplies, *grounds),
                 interrupt.token().stop_requested(), signer, debug_files);
}

}  // namespace

void add_run(CommandLine& command_line, const OpenHost& open_host) {
  const auto options = std::make_shared<RunOptions>();
  options->open_host = open_host;
  auto verb = command_line.verb(
      "run",
      {.summary = "Run a scenario and give a verdict",
       .group = group::judging,
       .examples = "labctl run scenarios/quickstart.yaml\n"
                   "labctl run scenarios/quickstart.yaml --only '*candidate*' --keep failed\n"
                   "labctl run --resume reports/runs/20261122T003338Z-quickstart",
       .exit_codes = "0    passed: every cell and every boot was proved\n"
                     "1    blocked: a guest crashed, hung, did not load the driver or changed its bytes\n"
                     "2    bad input or usage: nothing was started\n"
                     "3    no verdict: the lab failed; this blocks publishing too\n"
                     "4    nothing ran: not one cell was started\n"
                     "130  interrupted"},
      options, run);
  verb.option("SCENARIO", options->scenario, "The scenario file; with --resume, where it is now");
  options->settings.add_to(verb);
  verb.option("--only", options->only, "Run only cells whose id matches; a partial run can never pass",
              {.value = "GLOB"});
  verb.option("--waivers", options->waivers,
              "File of waivers: accepted findings, each with an owner and an expiry date", {.value = "FILE"});
  verb.option("--jobs", options->jobs, "Guests at once (default: what the host's cores and memory carry)",
              {.value = "N", .between = {1, 1000}});
  verb.option("--out", options->out, "Where the bundle goes", {.value = "DIR", .show_default = true});
  verb.option("--keep", options->keep, "Keep machines as they were before their last step, for 'reproduce'",
              {.show_default = true, .one_of = {"failed", "all", "none"}});
  verb.flag("--fresh-controls", options->fresh_controls, "Rerun every control now, ignoring cached passes");
  verb.option("--dumps", options->dumps,
              "How many guests that fail leave a memory dump (kdump) in the bundle",
              {.value = "N", .show_default = true, .between = {0, 1000}});
  add_debug_option(verb, options->debug);
  // What the record of the run says is not said again.
  verb.option("--resume", options->resume, "Resume a run that was killed or interrupted",
              {.value = "BUNDLE", .excludes = {"--set", "--only", "--waivers", "--out"}});
  options->host.add_to(verb);
  options->signing.add_to(verb);
}

}  // namespace labctl::cli
