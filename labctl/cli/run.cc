// labctl run: from a scenario to a verdict.

#include <fmt/core.h>

#include <optional>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/history.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/run_on.h"
#include "labctl/cli/runs.h"
#include "labctl/cli/symbols_option.h"
#include "labctl/gate/run.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {
namespace {

struct RunOptions {
  std::string scenario;
  Settings settings;
  std::string only;
  std::string waivers;  // a file, or none
  unsigned jobs = 0;    // 0: as many as the host carries
  RunPlace place{.out = "reports/runs", .host = {}, .signing = {}, .open_host = {}};
  std::string resume;              // the bundle of a run that did not end: what is run is in its record
  std::string keep = "none";       // machines for 'reproduce': failed, all or none
  bool fresh_controls = false;     // although there are passes of the last days
  bool fail_fast = false;          // after the first guest that fails only controls begin
  int dumps = 0;                   // how many failed guests may leave their memory behind
  std::vector<std::string> debug;  // modules with their debug information, for the reports
  std::string on;                  // who runs it as shards; empty: this host as a whole
  std::string db;                  // the history to which the bundle is added; empty: to none
};

// What the record says is run again as it says it; the scenario may have been moved.
Result<outcome::ScenarioRecord> scenario_of(const RunOptions& options, const lab::Unfinished* before) {
  const bool moved = !options.scenario.empty();
  auto scenario =
      scenario_record(moved || !before ? options.scenario : before->record.scenario.path, options.settings);
  if (!scenario) return scenario;
  scenario->only = before ? before->record.scenario.only : options.only;
  if (before) scenario->set = before->record.scenario.set;
  return scenario;
}

gate::Keep keep_of(const std::string& word) {
  return word == "all" ? gate::Keep::all : word == "failed" ? gate::Keep::failed : gate::Keep::none;
}

// What the options ask for, with everything read that they name. Complains by itself and gives nothing but
// the exit code when there is a mistake.
tl::expected<gate::RunOrder, int> read_order(const RunOptions& options) {
  const auto wrong = [](const Error& error) { return tl::unexpected(report_error(error)); };
  gate::RunOrder order{.out = options.place.out,
                       .jobs = options.jobs,
                       .host = options.place.host.order(),
                       .keep = keep_of(options.keep),
                       .rerun_controls = options.fresh_controls,
                       .fail_fast = options.fail_fast,
                       .dumps = options.dumps,
                       .debug_files = {options.debug.begin(), options.debug.end()}};
  if (options.scenario.empty() && options.resume.empty())
    return wrong({Fault::input,
                  "no scenario is given",
                  {},
                  "labctl run SCENARIO, or labctl run --resume BUNDLE for a run that was cut off"});
  if (!options.resume.empty()) {
    auto before = lab::read_unfinished(options.resume);
    if (!before) return wrong(before.error());
    order.before = std::move(*before);
  }
  const lab::Unfinished* before = order.before ? &*order.before : nullptr;
  auto scenario = scenario_of(options, before);
  if (!scenario) return wrong(scenario.error());
  order.scenario = std::move(*scenario);
  auto waivers = before ? take_waivers(before->record.waivers.text, "the recorded waivers")
                        : read_waivers(options.waivers);
  if (!waivers) return tl::unexpected(exit_code::bad_input);
  order.waivers = {options.waivers, std::move(waivers->text)};
  auto loaded =
      load_plan_here(order.scenario.file, {order.scenario.set.begin(), order.scenario.set.end()},
                     order.scenario.only, waivers->entries, before ? before->record.plan.date : today());
  if (!loaded) return tl::unexpected(exit_code::bad_input);
  order.scenario.text = loaded->first.text;
  order.plan = std::move(loaded->second);
  if (auto usable = symbolize::source_lines({}, order.debug_files); !usable) return wrong(usable.error());
  for (const auto& note : order.plan.notes) say(fmt::format("labctl: note: {}", note));
  return order;
}

// The history is no part of the verdict: what goes wrong here is said, and that is all.
void remember(const std::string& db, const std::filesystem::path& bundle) {
  if (db.empty()) return;
  auto database = history::Database::open_to_write(db);
  const auto added = database ? add_to_history(*database, bundle) : Status(fail(database.error()));
  if (added) return;
  report_error(because(added.error(), "the bundle was not added to the history").value());
  say(fmt::format("labctl: the verdict stands; add the bundle later: labctl history add {} --db {}",
                  shell_quote(bundle.string()), shell_quote(db)));
}

// A verdict that should have been signed and was not opens nothing.
int code_of(const gate::RunResult& result) {
  if (result.interrupted)
    say(fmt::format("labctl: to continue: labctl run --resume {}", shell_quote(result.bundle.string())));
  const int code = result.interrupted ? exit_code::interrupted : result.judged.verdict.exit_code();
  if (result.is_signed) return code;
  report_error(because(result.is_signed.error(), "the verdict could not be signed").value());
  return code == exit_code::passed ? exit_code::no_verdict : code;
}

// Options of the whole run that each of its shards takes.
std::vector<std::string> shard_options(const RunOptions& options) {
  std::vector<std::string> words{"--accel", options.place.host.accel};
  if (options.jobs != 0) words.insert(words.end(), {"--jobs", std::to_string(options.jobs)});
  if (options.fresh_controls) words.emplace_back("--fresh-controls");
  return words;
}

int run_as_shards(const RunOptions& options) {
  OnOptions on{.executor = options.on,
               .resume = options.resume,
               .out = options.place.out,
               .shard_options = shard_options(options),
               .jobs = options.jobs,
               .host = options.place.host,
               .signing = options.place.signing};
  if (options.resume.empty()) {
    auto order = read_order(options);
    if (!order) return order.error();
    on.order = {.plan = std::move(order->plan), .scenario = order->scenario, .waivers = order->waivers};
  }
  return run_on(on);
}

int run(const RunOptions& options) {
  if (!options.on.empty()) return run_as_shards(options);
  auto order = read_order(options);
  if (!order) return order.error();
  std::optional<Signer> signer;
  if (wants_signature(options.place.signing)) {
    auto opened = Signer::open(options.place.signing);
    if (!opened) return report_error(opened.error());
    signer = std::move(*opened);
    order->attest = [&](const bundle::Judged& judged) { return signer->attest(judged); };
  }
  return run_there(options.place, *order, [&](const gate::RunResult& result) {
    const int code = code_of(result);
    remember(options.db, result.bundle);
    return code;
  });
}

}  // namespace

void add_run(CommandLine& command_line, const machine::HostOpener& open_host) {
  const auto options = std::make_shared<RunOptions>();
  options->place.open_host = open_host;
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
  options->place.add_out_to(verb);
  verb.option("--keep", options->keep, "Keep machines as they were before their last step, for 'reproduce'",
              {.show_default = true, .one_of = {"failed", "all", "none"}});
  verb.flag("--fresh-controls", options->fresh_controls, "Rerun every control now, ignoring cached passes");
  verb.flag("--fail-fast", options->fail_fast,
            "After the first guest that fails begin no other cell, but for controls; cells at work go on");
  verb.option("--dumps", options->dumps,
              "How many guests that fail leave a memory dump (kdump) in the bundle",
              {.value = "N", .show_default = true, .between = {0, 1000}});
  add_symbols_option(verb, options->debug);
  verb.option("--db", options->db, "Add the bundle to this history at the end; no verdict depends on it",
              {.value = "FILE"});
  // What the record of the run says is not said again.
  verb.option("--resume", options->resume, "Resume a run that was killed or interrupted",
              {.value = "BUNDLE", .excludes = {"--set", "--only", "--waivers", "--out"}});
  verb.option(
      "--on", options->on,
      "Run it as shards: local, slurm or slurm:PARTITION; with --resume DIR, the folder of the split, "
      "what is missing is submitted",
      {.value = "WHERE", .excludes = {"--keep", "--dumps", "--symbols", "--db", "--fail-fast"}});
  options->place.add_to(verb);
  verb.json();
}

}  // namespace labctl::cli
