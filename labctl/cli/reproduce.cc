// labctl reproduce: the cell of a bundle again, from the same snapshot, with the same bytes and steps, held
// where somebody wants to take the guest over; or many times over, to know how often it fails.

#include "labctl/lab/reproduce.h"
#include "labctl/base/json.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cell/often.h"
#include "labctl/cli/desk.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/verbs.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/housekeeping.h"
#include "labctl/lab/interrupt.h"
#include "labctl/lab/inventory.h"
#include "labctl/lab/kept.h"
#include "labctl/lab/supplies.h"

namespace labctl::cli {
namespace {

struct ReproduceOptions {
  std::string bundle, cell;
  std::string until;          // a step; empty: before the one in which the cell failed
  bool before_crash = false;  // as near as can be
  bool anyway = false;        // although bytes differ
  bool afresh = false;        // although a machine is kept
  int times = 0;              // 0: once, for somebody at a desk
  unsigned jobs = 0;
  bool json = false;
  std::vector<std::string> lines;      // instead of standard input
  std::vector<std::string> artefacts;  // files and folders to look for them in
  int gdb = 0;
  bool vnc = false;
  bool keep = false, discard = false;
  std::string out;  // where the records go; empty: they are thrown away
  HostChoice host;
};

// Everything that both ways of reproducing need.
struct Bench {
  std::chrono::steady_clock::time_point began;  // of everything
  const ReproduceOptions& options;
  lab::RecordedCell recorded;
  cell::Hold hold;
  lab::CellJob job;  // from the beginning; nobody attends
  machine::Host& host;
  lab::Kept kept;
  std::string key;  // of the kept machine
  std::vector<std::string> differences;
  std::stop_token stop;

  bool live() const { return job.ground.live(); }
};

void mark(const Bench& bench) {
  for (const auto& difference : bench.differences) say("labctl: NOT THE SAME: " + difference);
}

Result<cell::Hold> where_to_hold(const ReproduceOptions& options, const lab::RecordedCell& recorded) {
  if (!options.until.empty()) return cell::hold_at(recorded.cell, recorded.opened(), options.until);
  return cell::hold_before_failure(recorded.cell, recorded.journal.events,
                                   options.before_crash ? cell::Nearness::operation : cell::Nearness::step);
}

// What differs, in a sentence each; complains by itself and gives nothing when there is no going on.
std::optional<std::vector<std::string>> compare(const lab::Inventory& inventory, bool anyway) {
  if (auto missing = inventory.missing(); !missing.empty()) {
    complain(missing);
    return std::nullopt;
  }
  std::vector<std::string> differences;
  for (const auto& item : inventory.items) {
    const std::string name = std::string(lab::to_string(item.thing)) + " " + printable(item.name);
    if (item.standing == lab::Standing::same) continue;
    differences.push_back("the " + name + " differs: " + item.what);
    if (!anyway) complain(Error{Fault::input, differences.back(), {}, item.hint});
  }
  if (differences.empty() || anyway) return differences;
  say("labctl: nothing was started; --anyway goes on, and says in the result that it was not the same");
  return std::nullopt;
}

std::function<void(const lab::Checkpoint&, const verdict::Outcome&)> keeper(const Bench& bench,
                                                                            const lab::CellJob& job,
                                                                            std::function<bool()> wanted) {
  return [&, wanted = std::move(wanted)](const lab::Checkpoint& checkpoint, const verdict::Outcome&) {
    if (!wanted()) return;
    keep_machine(bench.kept, bench.key, job, checkpoint);
  };
}

void begin_at(lab::CellJob& job, const lab::KeptMachine& kept) {
  job.from = &kept.checkpoint;
  job.ground.disk = kept.disk;
}

bool ask_to_keep() {
  std::fputs("labctl: keep the machine, so that the next attempt begins here in a second? [Y/n] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer.empty() || answer[0] == 'y' || answer[0] == 'Y';
}

int at_desk(const Bench& bench) {
  const auto& options = bench.options;
  lab::CellJob job = bench.job;
  const auto kept = options.afresh ? std::nullopt : bench.kept.find(bench.key);
  if (kept) {
    begin_at(job, *kept);
    say("labctl: beginning at the machine that was kept at " + kept->made + " (--afresh replays the steps)");
  }
  TerminalDesk desk({.lines = options.lines,
                     .gdb = options.gdb,
                     .vnc = options.vnc,
                     .save_at_once = bench.live() && !kept,
                     .took = [&] { return std::chrono::steady_clock::now() - bench.began; },
                     .took_then = bench.recorded.reached(bench.hold)},
                    bench.stop);
  const auto wants_to_keep = [&, asked = std::optional<bool>()]() mutable {
    if (desk.keep()) return *desk.keep();
    if (options.keep || options.discard || !desk.interactive()) return options.keep;
    if (!asked) asked = ask_to_keep();
    return *asked;
  };
  job.hold = bench.hold.left;
  job.desk = &desk;
  job.vnc = options.vnc;
  job.at_end = keeper(bench, job, wants_to_keep);
  std::string where;
  const auto outcome = lab::run_cell(
      job, bench.host,
      [&](const lab::Progress& progress) {
        if (desk.held() || progress.ended || progress.where == where) return;
        where = progress.where;
        say("labctl: " + where);
      },
      bench.stop);
  if (!desk.held()) {
    say("labctl: it was never held: " + std::string(verdict::to_string(outcome.ending)) + ": " +
        outcome.reason);
    mark(bench);
    return outcome.ending == verdict::Ending::interrupted ? exit_code::interrupted : exit_code::no_verdict;
  }
  if (kept && !desk.keep().value_or(!options.discard)) static_cast<void>(bench.kept.discard(bench.key));
  mark(bench);
  return exit_code::passed;
}

Result<lab::KeptMachine> checkpoint_to_begin_at(const Bench& bench) {
  if (!bench.options.afresh)
    if (auto kept = bench.kept.find(bench.key)) return std::move(*kept);
  say("labctl: replaying the steps once, up to '" + bench.hold.step + "'");
  lab::CellJob job = bench.job;
  job.hold = bench.hold.left;
  job.at_end = keeper(bench, job, [] { return true; });
  if (auto saved = lab::save_where_it_holds(job, bench.host, bench.stop); !saved)
    return because(saved.error(), "the cell cannot be brought to '" + bench.hold.step + "'");
  if (auto kept = bench.kept.find(bench.key)) return std::move(*kept);
  return lab_error("the machine was not kept", {}, "LABCTL_KEEP_QUOTA must have room for one");
}

int how_often(const Bench& bench) {
  const auto& options = bench.options;
  std::optional<lab::KeptMachine> kept;
  if (bench.live()) {
    auto checkpoint = checkpoint_to_begin_at(bench);
    if (!checkpoint) return complain(checkpoint.error());
    kept = std::move(*checkpoint);
  }
  std::vector<lab::CellJob> jobs;
  for (int attempt = 1; attempt <= options.times; ++attempt) {
    lab::CellJob job = bench.job;
    if (kept) begin_at(job, *kept);
    job.folder = bench.job.folder.parent_path() / ("attempt-" + std::to_string(attempt));
    job.disk = bench.job.disk.parent_path() / ("attempt-" + std::to_string(attempt) + ".qcow2");
    jobs.push_back(std::move(job));
  }
  const auto capacity = lab::capacity(bench.job.ground.shape.memory);
  const unsigned wanted = options.jobs != 0 ? options.jobs : capacity.jobs;
  const auto at_once = static_cast<unsigned>(std::min<std::size_t>(wanted, jobs.size()));
  say("labctl: " + std::to_string(options.times) + " attempts from before '" + bench.hold.step + "', " +
      std::to_string(at_once) + " at once");
  std::vector<verdict::Outcome> outcomes;
  lab::run_crew(
      jobs, bench.host, at_once,
      [&](const lab::Progress& progress) {
        if (!progress.ended) return;
        outcomes.push_back(progress.outcome);
        say("labctl: " + std::to_string(outcomes.size()) + " of " + std::to_string(options.times) + ": " +
            verdict::to_string(progress.outcome.ending) +
            (progress.outcome.reason.empty() ? "" : ": " + printable(progress.outcome.reason, 200)));
      },
      bench.stop);
  if (options.discard) static_cast<void>(bench.kept.discard(bench.key));
  const auto often = cell::count(bench.recorded.cell, bench.recorded.failure(), outcomes);
  if (options.json) {
    Json json = cell::to_json(often);
    json["same_bytes"] = bench.differences.empty();
    json["differences"] = bench.differences;
    print_json(dump_pretty(json));
  } else {
    print(cell::in_words(often) + "\n");
    for (const auto& difference : bench.differences) print("NOT THE SAME: " + difference + "\n");
  }
  if (bench.stop.stop_requested()) return exit_code::interrupted;
  if (often.times == 0) return exit_code::no_verdict;
  return often.same > 0 ? exit_code::passed : exit_code::blocked;
}

int reproduce(const ReproduceOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  auto run = bundle::read_run(options.bundle);
  if (!run) return complain(run.error());
  auto recorded = lab::read_recorded(*run, options.bundle, options.cell);
  if (!recorded) return complain(recorded.error());
  auto hold = where_to_hold(options, *recorded);
  if (!hold) return complain(hold.error());

  const auto found = lab::places();
  if (!found) return complain(found.error());
  const lab::Places& places = *found;
  const auto store = open_store(places);
  if (int code = refuse_bad_host(places); code != exit_code::passed) return code;
  lab::Interrupt interrupt([] { say("labctl: interrupted: ending the guest"); });
  auto work = lab::WorkFolder::create(places);
  if (!work) return complain(work.error());
  auto host = machine::open_host({.uri = options.host.connect,
                                  .accel = options.host.wish(),
                                  .runtime = places.runtime,
                                  .cache = places.cache});
  if (!host) return complain(host.error());

  const std::vector<fs::path> given(options.artefacts.begin(), options.artefacts.end());
  const lab::Seek seek{options.bundle, bundle::ArtefactStore(places.artefacts), given};
  auto inventory = lab::take_inventory(*run, recorded->cell, seek, store, **host,
                                       std::string("labctl ") + LABCTL_VERSION, work->path());
  if (!inventory) return complain(inventory.error());
  auto differences = compare(*inventory, options.anyway);
  if (!differences) return exit_code::bad_input;
  if (differences->empty())
    say("labctl: image, machine, host and " + std::to_string(inventory->artefacts.size()) +
        " artefacts are the same as in the run");

  plan::Plan alone = run->record.plan;
  alone.cells = {inventory->at_hand(recorded->cell)};
  auto supplies = lab::Supplies::gather(alone, "run.json", store, work->path());
  if (!supplies) return complain(supplies.error());
  auto ground = lab::prepare_ground(**host, store, recorded->cell.image,
                                    lab::shape_on((*host)->facts(), lab::shape_of(recorded->cell.machine)),
                                    say, interrupt.token());
  if (!ground) return complain(ground.error());

  const auto& supply = supplies->of(recorded->cell);
  const fs::path records = options.out.empty() ? work->path() / "records" : fs::path(options.out);
  Bench bench{.began = began,
              .options = options,
              .recorded = std::move(*recorded),
              .hold = *hold,
              .job = {.cell = {},
                      .ground = *ground,
                      .payload = supply.payload,
                      .files = supply.files,
                      .builds = supply.builds,
                      .signatures = signatures_of(run->record.plan),
                      .folder = records / "replay",
                      .disk = work->path() / "replay.qcow2"},
              .host = **host,
              .kept = lab::Kept(places.kept),
              .differences = std::move(*differences),
              .stop = interrupt.token()};
  bench.job.cell = bench.recorded.cell;
  bench.key = lab::key_of(bench.job, bench.hold.left, bench.host.facts());
  return options.times > 0 ? how_often(bench) : at_desk(bench);
}

}  // namespace

void add_reproduce(CommandLine& command_line) {
  const auto options = std::make_shared<ReproduceOptions>();
  auto verb = command_line.verb(
      "reproduce",
      {.summary = "Bring a cell of a bundle back, to the moment before it failed",
       .group = group::crashes,
       .examples =
           "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' "
           "--before-crash\n"
           "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' --times 20 "
           "--json",
       .exit_codes =
           "0    stopped at that moment and left; with --times: it failed in the same way at least once\n"
           "1    with --times: it never failed in the same way\n"
           "2    bad input or usage, or something differs from the run\n"
           "3    the lab failed, or that moment was never reached\n"
           "130  interrupted"},
      options, reproduce);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("CELL", options->cell, "A cell's id, or a pattern that only one matches", {.required = true});
  verb.option("--until", options->until, "Stop before this step, as the report calls it", {.value = "STEP"});
  verb.flag("--before-crash", options->before_crash,
            "Stop before the very command, boot or wait in which it failed", {.excludes = {"--until"}});
  verb.option("--run", options->lines, "A line to obey instead of standard input; may be repeated",
              {.value = "LINE"});
  verb.option("--times", options->times, "Run N attempts from that point and report how often it fails",
              {.value = "N", .between = {1, 10000}});
  verb.option("--jobs", options->jobs, "Attempts at once (default: what the host carries)",
              {.value = "N", .between = {1, 1000}});
  verb.flag("--json", options->json, "What --times found, for programs");
  verb.flag("--vnc", options->vnc, "Show its screen on the loopback");
  verb.option("--gdb", options->gdb, "Wait for a debugger on this port of the loopback",
              {.value = "PORT", .between = {1, 65535}});
  verb.flag("--keep", options->keep, "On leaving, keep the machine for the next attempt");
  verb.flag("--discard", options->discard, "On leaving, keep nothing", {.excludes = {"--keep"}});
  verb.flag("--afresh", options->afresh, "Replay the steps, although a machine is kept");
  verb.flag("--anyway", options->anyway, "Go on although something is not as it was; the result says so");
  verb.option("--artifact", options->artefacts, "Look for the candidate's files here too; may be repeated",
              {.value = "FILE|DIR"});
  verb.option("--out", options->out, "Keep journals and consoles here", {.value = "DIR"});
  options->host.add_to(verb);
}

}  // namespace labctl::cli
