#include "labctl/gate/bisect.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/bundle/judge.h"
#include "labctl/cell/repro_rate.h"
#include "labctl/gate/snapshots.h"
#include "labctl/reproduction/between.h"
#include "labctl/reproduction/bisect.h"
#include "labctl/reproduction/inventory.h"
#include "labctl/reproduction/reproduce.h"
#include "labctl/symbolize/source_lines.h"
#include "labctl/yaml/variables.h"

namespace labctl::gate {
namespace {

namespace fs = std::filesystem;

// What is read before anything starts.
struct Case {
  bundle::RecordedRun run;
  plan::Cell cell;
  bool from_content = false;  // its failure lies where probes may begin at the content
  outcome::Failure wanted;
  scenario::Scenario scenario;  // as it stands on this host, else as the bundle has it, without its commands
  fs::path folder;              // the scenario's
  std::vector<std::string> notes;
};

Result<outcome::Failure> recorded_end(const bundle::Judged& judged, const plan::Cell& cell) {
  if (cell.control)
    return input_error(fmt::format("'{}' is a control: there is no candidate in it", cell.id));
  for (const auto& outcome : judged.verdict.cells) {
    if (outcome.cell != cell.id) continue;
    if (outcome::is_guest_failure(outcome.ending)) return outcome::failure_of(cell, outcome);
    return input_error(fmt::format("'{}' ended {}: there is no failure of the candidate's to explain",
                                   cell.id, outcome::to_string(outcome.ending)));
  }
  return input_error(fmt::format("the bundle has no outcome of '{}'", cell.id));
}

// A bundle may come from anywhere: it can name a file, but its commands need --scenario or an answer.
Answer<scenario::Scenario> read_scenario(const BisectOrder& options, Case& about) {
  const auto& recorded = about.run.record.scenario;
  const scenario::Variables variables(recorded.set.begin(), recorded.set.end());
  std::string file = options.scenario.empty() ? recorded.location() : options.scenario;
  about.folder = fs::path(file).parent_path();
  const bool named = !options.scenario.empty();
  Result<std::string> text = recorded.text;
  if (named) text = read_file(file, 4u << 20);
  if (!text) return wrong({Fault::input, text.error().what, file, {}});
  auto loaded = scenario::load(*text, file, variables);
  if (!loaded.scenario) return wrong(std::move(loaded.mistakes));
  auto& split = loaded.scenario->split;
  const bool carries = split && reproduction::holds_recorded_values(*text, variables, *split);
  if (!split || (named && !carries)) return std::move(*loaded.scenario);
  std::string why = named ? std::string() : reproduction::why_no_commands(recorded, options.bundle);
  if (why.empty() && !(options.agrees && options.agrees(*split, file)))
    why = carries ? "has commands with values of --set that the bundle recorded"
                  : "is named by the bundle alone";
  if (!why.empty()) {
    about.notes.push_back(fmt::format(
        "the scenario {} {}, so the content is not taken apart; --scenario FILE names one to trust",
        printable(file), why));
    split.reset();
  }
  return std::move(*loaded.scenario);
}

Answer<Case> read_case(const BisectOrder& options) {
  auto run = bundle::read_run(options.bundle);
  if (!run) return wrong(run.error());
  auto judged = bundle::judge_bundle(options.bundle);
  if (!judged) return wrong(judged.error());
  Case about{.run = std::move(*run)};
  auto cell = reproduction::find_cell(about.run.record.plan, options.cell);
  if (!cell) return wrong(cell.error());
  auto wanted = recorded_end(*judged, *cell);
  if (!wanted) return wrong(wanted.error());
  auto recorded_cell = reproduction::read_recorded(about.run, options.bundle, cell->id);
  if (!recorded_cell) return wrong(recorded_cell.error());
  about.from_content = !options.replay && reproduction::fails_from_content(*recorded_cell);
  about.cell = outcome::cut_story(std::move(*cell), wanted->boot);
  about.wanted = std::move(*wanted);
  auto scenario = read_scenario(options, about);
  if (!scenario) return wrong(scenario.error());
  about.scenario = std::move(*scenario);
  return about;
}

// The version to compare with: what was named, else the scenario's own of another label. `set`: of content
// that is several files, which may be a folder.
Result<fs::path> earlier(const std::string& named, const std::vector<scenario::Artifact>& known,
                         const std::string& label, const Case& about,
                         const reproduction::Inventory& inventory, bool set = false) {
  std::error_code problem;
  const auto is_there = [&](const fs::path& path) {
    return fs::is_regular_file(path, problem) || (set && fs::is_directory(path, problem));
  };
  if (!named.empty()) {
    if (!is_there(named)) return input_error("there is no such file", named);
    return fs::absolute(named, problem);
  }
  for (const auto& artifact : known) {
    if (artifact.label == label || artifact.damage != scenario::Damage::none) continue;
    const std::string path = yaml::fill_variables(artifact.path, {{"image", about.cell.image}});
    if (const auto kept = inventory.artifacts.find(path); kept != inventory.artifacts.end())
      return fs::absolute(kept->second.file, problem);
    if (is_there(about.folder / path)) return fs::absolute(about.folder / path, problem);
  }
  return fs::path();
}

// The same bytes or nothing: the cause of another crash is no answer.
Status same_bytes(const reproduction::Inventory& inventory, Observer& observer) {
  for (const auto& item : inventory.items) {
    if (item.standing == reproduction::Standing::same) continue;
    const std::string what =
        fmt::format("the {} '{}': {}", reproduction::to_string(item.thing), printable(item.name), item.what);
    if (item.thing == reproduction::Thing::artifact) return input_error(what, {}, item.hint);
    observer.on(Note{fmt::format("differs from the run: {}", what)});
  }
  return {};
}

class Bisect {
 public:
  Bisect(const BisectOrder& options, Case about, reproduction::Probes& probes, plan::Cell cell, fs::path work,
         Observer& observer)
      : about_(std::move(about)),
        probes_(probes),
        cell_(std::move(cell)),
        work_(std::move(work)),
        observer_(observer) {
    criteria_.level = options.sure;
    told_.bundle = options.bundle;
    told_.cell = about_.cell.id;
    told_.level = options.sure;
    told_.title =
        about_.wanted.title.empty() ? outcome::to_string(about_.wanted.ending) : about_.wanted.title;
    told_.notes = about_.notes;
  }

  Status compare(const fs::path& driver, const fs::path& content) {
    auto candidate = search::how_often(
        [&] { return live(cell_.driver_path, cell_.content_path, "the candidate"); }, criteria_);
    if (!candidate) return fail(candidate.error());
    told_.candidate = *candidate;
    if (candidate->crashed == 0) return {};
    told_.old_driver = driver.string();
    told_.old_content = content.string();
    if (!driver.empty() && !content.empty()) {
      auto square = search::compare_versions(
          *candidate,
          [&](search::Versions v) {
            return live(
                v.old_driver ? driver : fs::path(cell_.driver_path),
                v.old_content ? content : fs::path(cell_.content_path),
                fmt::format("{} driver with {} content", v.old_driver ? "the earlier" : "the candidate's",
                            v.old_content ? "the earlier" : "the candidate's"));
          },
          criteria_);
      if (!square) return fail(square.error());
      told_.square = std::move(*square);
    } else {
      told_.notes.push_back(fmt::format(
          "driver and content were not compared: there is no earlier {}",
          driver.empty() ? "driver (--driver FILE names one)" : "content (--content FILE names one)"));
    }
    return {};
  }

  // Only where the content has a part in it.
  Status look_inside() {
    if (told_.candidate.crashed == 0 || cell_.content_path.empty()) return {};
    if (told_.square &&
        (told_.square->blame == search::Blame::driver || told_.square->blame == search::Blame::neither))
      return {};
    if (cell_.content_damage != scenario::Damage::none) {
      told_.notes.emplace_back("content that is damaged on purpose is not taken apart");
      return {};
    }
    if (cell_.guest.content && cell_.guest.content->is_folder()) return look_among_files();
    if (!may_take_apart()) return {};
    const fs::path content = cell_.content_path;
    auto records = reproduction::read_records(*about_.scenario.split, content, about_.folder);
    if (!records) return fail(records.error());
    return look_into(content, std::move(*records), told_.candidate,
                     [](const fs::path& subset) { return Result<fs::path>(subset); });
  }

  BisectFindings findings() const {
    BisectFindings all = told_;
    all.runs = probes_.runs();
    return all;
  }

 private:
  bool may_take_apart() {
    if (about_.scenario.split) return true;
    told_.notes.emplace_back("the scenario does not say how its content is taken apart (bisect:)");
    return false;
  }

  // Which records of a file; `content_with` makes the content that a guest is given of a file with some.
  Status look_into(const fs::path& file, std::vector<std::string> records, const search::Tally& guilty,
                   const std::function<Result<fs::path>(const fs::path& subset)>& content_with) {
    told_.content = file.lexically_normal().string();  // to be shown
    told_.records = std::move(records);
    const search::Run run = [&](const search::Records& kept) -> Result<bool> {
      std::vector<std::string> names;
      for (const auto record : kept) names.push_back(told_.records[record]);
      auto subset = reproduction::make_subset(*about_.scenario.split, file, names, about_.folder, work_);
      if (!subset) return fail(subset.error());
      const auto content = content_with(*subset);
      if (!content) return fail(content.error());
      return live(cell_.driver_path, *content,
                  fmt::format("{} of {} records", kept.size(), told_.records.size()));
    };
    auto answer = search::find_causes(told_.records.size(), guilty, run, criteria_);
    if (!answer) return fail(answer.error());
    told_.inside = std::move(*answer);
    return {};
  }

  // Content of several files: which of those that differ from the earlier set's, half by half, each probe
  // with the earlier version of the rest; and which records of the one, when it is one.
  Status look_among_files() {
    if (told_.old_content.empty()) {
      told_.notes.emplace_back(
          "the content's files were not compared: there is no earlier content (--content FOLDER names one)");
      return {};
    }
    const auto between = reproduction::compare_sets(told_.old_content, cell_.content_path, work_);
    if (!between) return fail(between.error());
    if (between->differences.empty()) {
      told_.notes.push_back(fmt::format("{} holds the same files as the candidate", told_.old_content));
      return {};
    }
    told_.set = fs::path(cell_.content_path).lexically_normal().string();
    for (const auto& difference : between->differences) {
      told_.files.push_back(difference.name());
      told_.ways.emplace_back(reproduction::to_string(difference.how));
    }
    const search::Run run = [&](const search::Records& taken) -> Result<bool> {
      const auto set = reproduction::make_set(*between, taken, work_);
      if (!set) return fail(set.error());
      if (!*set) return false;  // no content, so no guest dies of it
      return live(cell_.driver_path, **set,
                  fmt::format("{} of {} files that differ", taken.size(), told_.files.size()));
    };
    search::Criteria criteria = criteria_;
    criteria.none_runs = true;  // the earlier set itself
    auto answer = search::find_causes(told_.files.size(), told_.candidate, run, criteria);
    if (!answer) return fail(answer.error());
    told_.among = std::move(*answer);
    return look_into_file(*between);
  }

  // The result above stands whatever becomes of this.
  Status look_into_file(const reproduction::Between& between) {
    const auto& causes = told_.among->causes;
    if (told_.among->more || causes.size() != 1 || causes.front().records.size() != 1) return {};
    const auto place = causes.front().records.front();
    const auto& difference = between.differences[place];
    if (difference.how == reproduction::FileDifference::How::removed || !may_take_apart()) return {};
    const fs::path file = difference.candidate.source;
    const auto with_records = [&](const fs::path& subset) -> Result<fs::path> {
      auto set = reproduction::make_set(between, {place}, work_, {{difference.name(), subset}});
      if (!set) return fail(set.error());
      return **set;  // with the whole file there was one, too
    };
    auto records = reproduction::read_records(*about_.scenario.split, file, about_.folder);
    const Status looked = records ? look_into(file, std::move(*records), causes.front().alone, with_records)
                                  : fail(records.error());
    if (looked || looked.error().fault != Fault::input) return looked;
    told_.notes.push_back(fmt::format("the file '{}' was not taken apart: {}",
                                      printable(difference.name(), 200), looked.error().what));
    return {};
  }

  Result<bool> live(const fs::path& driver, const fs::path& content, const std::string& what) {
    auto seen = probes_.live(driver, content);
    if (!seen) return fail(seen.error());
    observer_.on(
        ProbeEnded{probes_.runs(), what, seen->same, seen->restored, seen->took, std::move(seen->outcome)});
    return seen->same;
  }

  Case about_;
  reproduction::Probes& probes_;
  plan::Cell cell_;
  fs::path work_;
  Observer& observer_;
  search::Criteria criteria_;
  BisectFindings told_;
};

// The files of the case on this host: the cell with what was found, and earlier versions to compare with.
struct Files {
  plan::Cell cell;
  fs::path driver, content;
};

Answer<Files> find_files(const BisectOrder& order, const Case& about, machine::Host& host,
                         const Environment& environment, const fs::path& work, Observer& observer) {
  const reproduction::Seek seek{.bundle = order.bundle,
                                .store = bundle::ArtifactStore(environment.paths.artifacts),
                                .given = order.artifacts,
                                .work = work};
  auto inventory = reproduction::take_inventory(about.run, about.cell, seek, environment.store, host,
                                                environment.tool, work);
  if (!inventory) return wrong(inventory.error());
  if (auto missing = inventory->missing(); !missing.empty()) return wrong(std::move(missing));
  if (auto same = same_bytes(*inventory, observer); !same) return wrong(same.error());
  auto all = reproduction::find_artifacts(about.run, seek);
  if (!all) return wrong(all.error());
  auto driver = earlier(order.driver, about.scenario.drivers, about.cell.driver, about, *all);
  if (!driver) return wrong(driver.error());
  auto content = earlier(order.content, about.scenario.contents, about.cell.content, about, *all,
                         about.cell.guest.content && about.cell.guest.content->is_folder());
  if (!content) return wrong(content.error());
  return Files{inventory->at_hand(about.cell), std::move(*driver), std::move(*content)};
}

}  // namespace

bool BisectFindings::sure() const {
  const auto is_sure = [this](const search::Answer& answer) {
    return !answer.more && !answer.causes.empty() &&
           std::all_of(answer.causes.begin(), answer.causes.end(),
                       [this](const search::Cause& cause) { return cause.whole && cause.sure >= level; });
  };
  if (among) return is_sure(*among) && (!inside || is_sure(*inside));
  if (inside) return is_sure(*inside);
  return square && square->sure >= level;
}

Answer<BisectFindings> bisect(const BisectOrder& order, const Environment& environment, Observer& observer) {
  std::error_code none;
  if (fs::exists(order.out, none) && !fs::is_empty(order.out, none))
    return wrong({Fault::input, "is not empty", order.out.string(), "give --out a new folder"});
  auto about = read_case(order);
  if (!about) return wrong(about.error());
  auto work = begin_work(environment, observer);
  if (!work) return wrong(work.error());
  auto host = open_host(environment, order.host, observer);
  if (!host) return wrong(host.error());
  auto files = find_files(order, *about, **host, environment, work->path(), observer);
  if (!files) return wrong(files.error());
  auto frames = symbolize::source_lines(crash::module_frames(about->wanted.excerpt), order.debug_files);
  if (!frames) return wrong(frames.error());
  const auto shape = snapshot::shape_on((*host)->facts(), snapshot::shape_of(about->cell.machine));
  auto base = prepare_base(about->cell.image, shape, **host, environment, observer);
  if (!base) return wrong(base.error());
  reproduction::Probes probes({.cell = files->cell,
                               .wanted = about->wanted,
                               .base = std::move(*base),
                               .signatures = signatures_of(about->run.record.plan),
                               .from_content = about->from_content,
                               .records = order.out.empty() ? work->path() / "records" : order.out,
                               .work = work->path()},
                              **host, environment.store, environment.stop);
  Bisect bisect(order, std::move(*about), probes, files->cell, work->path(), observer);
  if (auto compared = bisect.compare(files->driver, files->content); !compared)
    return wrong(compared.error());
  if (auto looked = bisect.look_inside(); !looked) return wrong(looked.error());
  auto findings = bisect.findings();
  findings.frames = std::move(*frames);
  return findings;
}

}  // namespace labctl::gate
