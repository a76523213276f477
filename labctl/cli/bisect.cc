// labctl bisect: the smallest cause of a recorded crash. bisect() is the table of contents.
#include "labctl/cli/bisect.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/debug_option.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/scenario_file.h"
#include "labctl/cli/verbs.h"
#include "labctl/crash/frames.h"
#include "labctl/lab/bisect.h"
#include "labctl/lab/housekeeping.h"
#include "labctl/lab/interrupt.h"
#include "labctl/lab/inventory.h"
#include "labctl/lab/reproduce.h"
#include "labctl/symbolize/source_lines.h"
#include "labctl/yaml/variables.h"

namespace labctl::cli {
namespace {

struct BisectOptions {
  std::string bundle, cell;
  std::string scenario;         // whose commands take the content apart; empty: the run's own, on this host
  std::string driver, content;  // earlier versions; empty: the scenario's
  std::vector<std::string> artifacts;
  std::vector<std::string> debug;  // modules with their debug information
  double sure = 0.95;
  bool afresh = false;  // each probe lives the story from its beginning
  std::string out;      // where the probes' records go; empty: they are looked at and thrown away
  bool json = false;
  HostChoice host;
};

// What is read before anything starts.
struct Case {
  bundle::RecordedRun run;
  plan::Cell cell;
  bool from_content = false;  // its failure lies where probes may begin at the content
  cell::Failure wanted;
  scenario::Scenario scenario;  // as it stands on this host, else as the bundle has it, without its commands
  fs::path folder;              // the scenario's
  std::vector<std::string> notes;
};

Result<cell::Failure> recorded_end(const bundle::Judged& judged, const plan::Cell& cell) {
  if (cell.control) return input_error("'" + cell.id + "' is a control: there is no candidate in it");
  for (const auto& outcome : judged.verdict.cells) {
    if (outcome.cell != cell.id) continue;
    if (verdict::guests_fault(outcome.ending)) return cell::failure_of(cell, outcome);
    return input_error("'" + cell.id + "' ended " + verdict::to_string(outcome.ending) +
                       ": there is no failure of the candidate's to explain");
  }
  return input_error("the bundle has no outcome of '" + cell.id + "'");
}

// The commands that a recorded path leads to are run only for somebody who has read them.
bool agrees_to(const scenario::Split& split, const std::string& file) {
  if (::isatty(0) == 0 || ::isatty(2) == 0) return false;
  say("labctl: to take the content apart, " + printable(file) + " runs these commands on this host:");
  for (const auto& command : {split.records, split.subset})  // whole: what is cut off is not agreed to
    if (!command.empty()) say("  " + printable(command, 4 * command.size() + 3));
  std::fputs("labctl: run them as your user? [y/N] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y";
}

// A bundle may come from anywhere: it can name a file, but its commands need --scenario or an answer.
Result<scenario::Scenario> read_scenario(const BisectOptions& options, Case& about) {
  const auto& recorded = about.run.record.scenario;
  const scenario::Variables variables(recorded.set.begin(), recorded.set.end());
  std::string file = options.scenario.empty() ? recorded.location() : options.scenario;
  about.folder = fs::path(file).parent_path();
  const bool named = !options.scenario.empty();
  Result<std::string> text = recorded.text;
  if (named) text = read_file(file, 4u << 20);
  if (!text) return input_error(text.error().what, file);
  auto loaded = scenario::load(*text, file, variables);
  if (!loaded.scenario) {
    complain(loaded.mistakes);
    return input_error("the scenario cannot be read", file);
  }
  auto& split = loaded.scenario->split;
  const bool carries = split && lab::holds_recorded_values(*text, variables, *split);
  if (!split || (named && !carries)) return std::move(*loaded.scenario);
  std::string why = named ? std::string() : lab::why_no_commands(recorded, options.bundle);
  if (why.empty() && !agrees_to(*split, file))
    why = carries ? "has commands with values of --set that the bundle recorded"
                  : "is named by the bundle alone";
  if (!why.empty()) {
    about.notes.push_back("the scenario " + printable(file) + ' ' + why +
                          ", so the content is not taken apart; --scenario FILE names one to trust");
    split.reset();
  }
  return std::move(*loaded.scenario);
}

Result<Case> read_case(const BisectOptions& options) {
  auto run = bundle::read_run(options.bundle);
  if (!run) return fail(run.error());
  auto judged = bundle::judge_bundle(options.bundle);
  if (!judged) return fail(judged.error());
  Case about{.run = std::move(*run)};
  auto cell = lab::find_cell(about.run.record.plan, options.cell);
  if (!cell) return fail(cell.error());
  auto wanted = recorded_end(*judged, *cell);
  if (!wanted) return fail(wanted.error());
  auto recorded_cell = lab::read_recorded(about.run, options.bundle, cell->id);
  if (!recorded_cell) return fail(recorded_cell.error());
  about.from_content = !options.afresh && lab::fails_from_content(*recorded_cell);
  about.cell = cell::cut_story(std::move(*cell), wanted->boot);
  about.wanted = std::move(*wanted);
  auto scenario = read_scenario(options, about);
  if (!scenario) return fail(scenario.error());
  about.scenario = std::move(*scenario);
  return about;
}

// The version to compare with: what was named, else the scenario's own of another label.
Result<fs::path> earlier(const std::string& named, const std::vector<scenario::Artefact>& known,
                         const std::string& label, const Case& about, const lab::Inventory& inventory) {
  std::error_code problem;
  if (!named.empty()) {
    if (!fs::is_regular_file(named, problem)) return input_error("there is no such file", named);
    return fs::absolute(named, problem);
  }
  for (const auto& artefact : known) {
    if (artefact.label == label || artefact.damage != scenario::Damage::none) continue;
    const std::string path = yaml::fill_variables(artefact.path, {{"image", about.cell.image}});
    if (const auto kept = inventory.artefacts.find(path); kept != inventory.artefacts.end())
      return fs::absolute(kept->second.file, problem);
    if (fs::is_regular_file(about.folder / path, problem)) return fs::absolute(about.folder / path, problem);
  }
  return fs::path();
}

// The same bytes or nothing: the cause of another crash is no answer.
Status same_bytes(const lab::Inventory& inventory) {
  for (const auto& item : inventory.items) {
    if (item.standing == lab::Standing::same) continue;
    const std::string what =
        std::string("the ") + lab::to_string(item.thing) + " '" + printable(item.name) + "': " + item.what;
    if (item.thing == lab::Thing::artefact) return input_error(what, {}, item.hint);
    say("labctl: differs: " + what);
  }
  return {};
}

class Bisect {
 public:
  Bisect(const BisectOptions& options, Case about, lab::Probes& probes, plan::Cell cell, fs::path work)
      : about_(std::move(about)), probes_(probes), cell_(std::move(cell)), work_(std::move(work)) {
    wish_.level = options.sure;
    told_.bundle = options.bundle;
    told_.cell = about_.cell.id;
    told_.level = options.sure;
    told_.title =
        about_.wanted.title.empty() ? verdict::to_string(about_.wanted.ending) : about_.wanted.title;
    told_.notes = about_.notes;
  }

  Status compare(const fs::path& driver, const fs::path& content) {
    auto candidate = search::how_often(
        [&] { return live(cell_.driver_path, cell_.content_path, "the candidate"); }, wish_);
    if (!candidate) return fail(candidate.error());
    told_.candidate = *candidate;
    if (candidate->crashed == 0) return {};
    told_.old_driver = driver.string();
    told_.old_content = content.string();
    if (!driver.empty() && !content.empty()) {
      auto square = search::compare_versions(
          *candidate,
          [&](search::Versions v) {
            return live(v.old_driver ? driver : fs::path(cell_.driver_path),
                        v.old_content ? content : fs::path(cell_.content_path),
                        std::string(v.old_driver ? "the earlier" : "the candidate's") + " driver with " +
                            (v.old_content ? "the earlier" : "the candidate's") + " content");
          },
          wish_);
      if (!square) return fail(square.error());
      told_.square = std::move(*square);
    } else {
      told_.notes.push_back(
          std::string("driver and content were not compared: there is no earlier ") +
          (driver.empty() ? "driver (--driver FILE names one)" : "content (--content FILE names one)"));
    }
    return {};
  }

  // Only where the content has a part in it.
  Status look_inside() {
    if (told_.candidate.crashed == 0 || cell_.content_path.empty()) return {};
    if (told_.square &&
        (told_.square->blame == search::Blame::driver || told_.square->blame == search::Blame::neither))
      return {};
    if (!about_.scenario.split || cell_.content_damage != scenario::Damage::none) {
      told_.notes.emplace_back(about_.scenario.split
                                   ? "content that is damaged on purpose is not taken apart"
                                   : "the scenario does not say how its content is taken apart (bisect:)");
      return {};
    }
    const auto& split = *about_.scenario.split;
    const fs::path content = cell_.content_path;
    auto records = lab::read_records(split, content, about_.folder);
    if (!records) return fail(records.error());
    told_.content = content.lexically_normal().string();  // to be shown
    told_.records = std::move(*records);
    const search::Run run = [&](const search::Records& kept) -> Result<bool> {
      std::vector<std::string> names;
      for (const auto record : kept) names.push_back(told_.records[record]);
      auto subset = lab::make_subset(split, content, names, about_.folder, work_);
      if (!subset) return fail(subset.error());
      return live(cell_.driver_path, *subset,
                  std::to_string(kept.size()) + " of " + std::to_string(told_.records.size()) + " records");
    };
    auto answer = search::find_causes(told_.records.size(), told_.candidate, run, wish_);
    if (!answer) return fail(answer.error());
    told_.inside = std::move(*answer);
    return {};
  }

  BisectFindings findings() const {
    BisectFindings all = told_;
    all.runs = probes_.lived();
    return all;
  }

 private:
  Result<bool> live(const fs::path& driver, const fs::path& content, const std::string& what) {
    auto seen = probes_.live(driver, content);
    if (!seen) return fail(seen.error());
    const auto& outcome = seen->outcome;
    say("labctl: run " + std::to_string(probes_.lived()) + ": " + what + ": " +
        (seen->same ? "the same crash"
         : outcome.ending == verdict::Ending::passed
             ? std::string("no crash")
             : verdict::to_string(outcome.ending) + std::string(", but not so: ") +
                   printable(outcome.reason)) +
        " (" + show_duration(seen->took) + (seen->restored ? ")" : ", from the beginning)"));
    return seen->same;
  }

  Case about_;
  lab::Probes& probes_;
  plan::Cell cell_;
  fs::path work_;
  search::Wish wish_;
  BisectFindings told_;
};

Result<BisectFindings> find_cause(const BisectOptions& options, Case about, const lab::Places& places,
                                  const fs::path& work, const std::stop_token& stop) {
  const auto store = open_store(places);
  auto host = machine::open_host({.uri = options.host.connect,
                                  .accel = options.host.wish(),
                                  .runtime = places.runtime,
                                  .cache = places.cache});
  if (!host) return fail(host.error());
  const lab::Seek seek{.bundle = options.bundle,
                       .store = bundle::ArtefactStore(places.artefacts),
                       .given = {options.artifacts.begin(), options.artifacts.end()}};
  auto inventory = lab::take_inventory(about.run, about.cell, seek, store, **host,
                                       std::string("labctl ") + LABCTL_VERSION, work);
  if (!inventory) return fail(inventory.error());
  if (const auto missing = inventory->missing(); !missing.empty()) {
    for (std::size_t i = 1; i < missing.size(); ++i) complain(missing[i]);
    return fail(missing.front());
  }
  if (auto same = same_bytes(*inventory); !same) return fail(same.error());
  auto all = lab::find_artefacts(about.run, seek);
  if (!all) return fail(all.error());
  auto driver = earlier(options.driver, about.scenario.drivers, about.cell.driver, about, *all);
  if (!driver) return fail(driver.error());
  auto content = earlier(options.content, about.scenario.contents, about.cell.content, about, *all);
  if (!content) return fail(content.error());

  auto places_told = symbolize::source_lines(crash::module_frames(about.wanted.excerpt),
                                             {options.debug.begin(), options.debug.end()});
  if (!places_told) return fail(places_told.error());

  auto ground = lab::prepare_ground(
      **host, store, about.cell.image, lab::shape_on((*host)->facts(), lab::shape_of(about.cell.machine)),
      [](std::string_view line) { say(line); }, stop);
  if (!ground) return fail(ground.error());
  const plan::Cell cell = inventory->at_hand(about.cell);
  lab::Probes probes({.cell = cell,
                      .wanted = about.wanted,
                      .ground = std::move(*ground),
                      .signatures = signatures_of(about.run.record.plan),
                      .from_content = about.from_content,
                      .records = options.out.empty() ? work / "records" : fs::path(options.out),
                      .work = work},
                     **host, store, stop);
  Bisect bisect(options, std::move(about), probes, cell, work);
  if (auto compared = bisect.compare(*driver, *content); !compared) return fail(compared.error());
  if (auto looked = bisect.look_inside(); !looked) return fail(looked.error());
  auto findings = bisect.findings();
  findings.frames = std::move(*places_told);
  return findings;
}

int bisect(const BisectOptions& options) {
  std::error_code none;
  if (fs::exists(options.out, none) && !fs::is_empty(options.out, none))
    return complain(Error{Fault::input, "is not empty", options.out, "give --out a new folder"});
  auto about = read_case(options);
  if (!about) return complain(about.error());
  const auto own = lab::places();
  if (!own) return complain(own.error());
  const lab::Places& places = *own;
  if (int code = refuse_bad_host(places); code != exit_code::passed) return code;
  lab::Interrupt interrupt([] { say("labctl: interrupted: ending the guest"); });
  for (const auto& line : lab::collect_garbage(places, open_store(places)).done) say("labctl: " + line);
  auto work = lab::WorkFolder::create(places);
  if (!work) return complain(work.error());
  auto found = find_cause(options, std::move(*about), places, work->path(), interrupt.token());
  if (!found) return complain(found.error());
  if (options.json)
    print_json(dump_pretty(bisect_json(*found)));
  else
    print(bisect_story(*found));
  return found->sure() ? 0 : 1;
}

}  // namespace

void add_bisect(CommandLine& command_line) {
  const auto options = std::make_shared<BisectOptions>();
  auto verb = command_line.verb(
      "bisect",
      {.summary = "Find the smallest cause of a cell's crash",
       .group = group::crashes,
       .examples = "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*'\n"
                   "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' "
                   "--scenario quickstart.yaml --json",
       .exit_codes =
           "0    a cause was found, as sure as --sure asks\n"
           "1    no cause is that sure\n"
           "2    bad input or usage: no such cell, it did not fail, an artifact is missing or differs\n"
           "3    the lab failed a run\n"
           "130  interrupted"},
      options, bisect);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("CELL", options->cell, "A cell of it that failed", {.required = true});
  verb.flag("--afresh", options->afresh, "Each probe lives the story from its beginning");
  verb.option("--scenario", options->scenario,
              "Take the content apart as this file says (default: the run's)", {.value = "FILE"});
  verb.option("--driver", options->driver, "An earlier driver (default: another one of the scenario's)",
              {.value = "FILE"});
  verb.option("--content", options->content, "An earlier content (default: another one of the scenario's)",
              {.value = "FILE"});
  verb.option("--artifact", options->artifacts, "Where artefacts may be, too: a file or a folder",
              {.value = "FILE|DIR"});
  add_debug_option(verb, options->debug);
  verb.option("--sure", options->sure, "Repeat until the answer is as sure as this",
              {.show_default = true, .between = {0.5, 0.9999}});
  verb.option("--out", options->out, "Keep the journals and consoles of all runs here", {.value = "DIR"});
  verb.flag("--json", options->json, "For programs");
  options->host.add_to(verb);
}

}  // namespace labctl::cli
