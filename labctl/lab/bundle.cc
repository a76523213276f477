#include "labctl/lab/bundle.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell.h"
#include "labctl/event/event.h"
#include "labctl/lab/canary.h"
#include "labctl/lab/control.h"

namespace labctl::lab {
namespace {

std::string utc_stamp() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

constexpr const char* lock_name = ".lock";
constexpr const char* use_its_own = "read it with the labctl that made it, or run its scenario again";

// Whether a guest was given what run.json says it was: the digests on its CD are those of its artefacts.
bool given_as_recorded(const plan::Cell& cell, const Json& artefacts, const event::Opened& opened) {
  std::set<std::string> paths, wanted, given;
  if (!cell.control) {
    for (const auto& path : {cell.driver_path, cell.content_path})
      if (!path.empty()) paths.insert(path);
    for (const auto* extras : {&cell.extra_drivers, &cell.extra_contents})
      for (const auto& extra : *extras) paths.insert(extra.path);
  }
  for (const auto& path : paths) {
    const auto found = std::find_if(artefacts.begin(), artefacts.end(),
                                    [&](const Json& artefact) { return text_at(artefact, "path") == path; });
    if (found == artefacts.end()) return false;
    wanted.insert(text_at(*found, "sha256"));
  }
  for (const auto& [name, digest] : opened.payload) given.insert(digest);
  return wanted == given;
}

verdict::Outcome recorded_outcome(const plan::Cell& cell, const Json& run, const fs::path& folder) {
  verdict::Outcome outcome{
      .cell = cell.id, .ending = verdict::Ending::not_run, .reason = "it was never started"};
  outcome.boots_wanted = cell.boots_wanted();
  std::error_code problem;
  if (!fs::exists(folder / "events.jsonl", problem)) return outcome;
  auto journal = read_cell_journal(cell, folder);
  outcome.ending = verdict::Ending::lab_failed;
  if (!journal) {
    outcome.reason = journal.error().text();
    return outcome;
  }
  const auto& opened = std::get<event::Opened>(journal->events.front().what);
  if (run.contains("artefacts") && !given_as_recorded(cell, run.at("artefacts"), opened)) {
    outcome.reason = "its guest was given other artefacts than run.json names";
    return outcome;
  }
  if (opened.hold != 0) {
    outcome.reason = "it is the journal of a reproduction, whose guest somebody may have touched";
    return outcome;
  }
  const auto kept =
      cell.control ? read_kept(folder, run) : Result<std::optional<verdict::Kept>>(std::nullopt);
  if (!kept) {
    outcome.reason = kept.error().text();
    return outcome;
  }
  outcome = cell::replay(cell, journal->events);
  outcome.journal = {journal->chain.head, journal->chain.events};
  outcome.kept = *kept;
  return outcome;
}

}  // namespace

Result<Bundle> Bundle::create(const fs::path& out, const std::string& scenario) {
  const std::string base = utc_stamp() + "-" + slug(scenario);
  if (auto made = make_dirs(out); !made) return fail(made.error());
  for (int attempt = 1; attempt < 100; ++attempt) {
    const std::string name = attempt == 1 ? base : base + "-" + std::to_string(attempt);
    std::error_code problem;
    if (fs::exists(out / name, problem)) continue;
    Bundle bundle;
    bundle.folder_ = out / (name + ".partial");
    if (!fs::create_directory(bundle.folder_, problem)) {
      if (problem) return lab_error("cannot create: " + problem.message(), bundle.folder_.string());
      continue;
    }
    fs::permissions(bundle.folder_, fs::perms::owner_all, problem);
    if (problem)
      return lab_error("cannot be kept from others: " + problem.message(), bundle.folder_.string());
    if (auto taken = bundle.take(); !taken) return fail(taken.error());
    if (auto made = make_dirs(bundle.folder_ / "cells"); !made) return fail(made.error());
    return bundle;
  }
  return lab_error("too many bundles of this second", out.string());
}

Result<Bundle> Bundle::reopen(const fs::path& folder) {
  Bundle bundle;
  bundle.folder_ = folder;
  if (folder.extension() != ".partial") {
    bundle.folder_ += ".partial";
    if (auto renamed = rename_synced(folder, bundle.folder_); !renamed) return fail(renamed.error());
  }
  if (auto taken = bundle.take(); !taken) return fail(taken.error());
  const fs::path aside = free_name(bundle.folder_ / "before-resume");
  for (const char* name : {"verdict.json", "attestation.json", "junit.xml", "summary.md", "report.html"}) {
    std::error_code problem;
    if (!fs::exists(bundle.folder_ / name, problem)) continue;
    if (auto made = make_dirs(aside); !made) return fail(made.error());
    if (auto moved = rename_synced(bundle.folder_ / name, aside / name); !moved) return fail(moved.error());
  }
  if (auto made = make_dirs(bundle.folder_ / "cells"); !made) return fail(made.error());
  return bundle;
}

Status Bundle::take() {
  auto lock = Lock::try_take(folder_ / lock_name);
  if (!lock)
    return input_error(
        "another labctl is at work on this bundle, or it cannot be written: " + lock.error().what,
        folder_.string(), "wait for its end");
  lock_ = std::move(*lock);
  return {};
}

Status Bundle::write_run(const Json& run) { return write_file(folder_ / "run.json", dump_pretty(run)); }

Status Bundle::add(const std::string& name, const std::string& content) {
  return write_file(folder_ / name, content);
}

Result<fs::path> Bundle::close() {
  fs::path whole = folder_;
  whole.replace_extension();
  std::error_code ignored;
  fs::remove(folder_ / lock_name, ignored);
  if (auto renamed = rename_synced(folder_, whole); !renamed) return fail(renamed.error());
  folder_ = whole;
  return whole;
}

fs::path free_name(const fs::path& beside) {
  std::error_code ignored;
  for (int number = 1;; ++number) {
    fs::path name = beside.string() + "-" + std::to_string(number);
    if (!fs::exists(name, ignored)) return name;
  }
}

Result<event::Journal> read_cell_journal(const plan::Cell& cell, const fs::path& folder) {
  auto text = read_file(folder / "events.jsonl", event::largest_journal);
  if (!text) return fail(text.error());
  auto journal = event::read_journal(*text, cell.id, "cells/" + cell.id + "/events.jsonl");
  if (journal && std::get<event::Opened>(journal->events.front().what).cell != cell.id)
    return lab_error("its journal is another cell's");
  return journal;
}

Result<RecordedRun> read_run(const fs::path& folder) {
  const fs::path run_file = folder / "run.json";
  auto text = read_file(run_file);
  if (!text)
    return input_error("is not a bundle: " + text.error().what, run_file.string(),
                       "give the folder that 'labctl run' printed at its end");
  auto run = parse_json(*text, run_file.string());
  if (!run) return fail(run.error());
  const std::string made_by = printable(text_at(*run, "tool", "an unknown labctl"), 60);
  if (number_at(*run, "labctl") != 1)
    return input_error("the bundle is of another version of labctl: it was made by '" + made_by + "'",
                       run_file.string(), use_its_own);
  auto plan = plan::from_json(run->contains("plan") ? run->at("plan") : Json(), run_file.string());
  // A member that is missing is what a plan of an earlier version looks like, and a damaged one too.
  if (!plan)
    return input_error("the bundle is of an older version of labctl, or damaged: it was made by '" + made_by +
                           "', and its plan cannot be read: " + plan.error().what,
                       run_file.string(), use_its_own);
  return RecordedRun{std::move(*plan), std::move(*run), labctl::sha256(*text)};
}

fs::path scenario_file(const Json& recorded) { return text_at(recorded, "path", text_at(recorded, "file")); }

Result<Judged> judge_bundle(const fs::path& folder) {
  auto recorded = read_run(folder);
  if (!recorded) return fail(recorded.error());
  auto& [plan, run, run_sha256] = *recorded;

  std::vector<verdict::Outcome> outcomes;
  for (const auto& cell : plan.cells)
    outcomes.push_back(recorded_outcome(cell, run, folder / "cells" / cell.id));
  std::vector<verdict::Canary> canaries;
  for (const auto* cell : plan.grounds())
    canaries.push_back(read_canary(folder / "canary", cell->image, cell->machine.name));
  std::vector<std::string> faults;
  if (!run.contains("faults") || !run.at("faults").is_array())
    faults.emplace_back("the run's record was never finished");
  else
    for (const auto& fault : run.at("faults"))
      faults.push_back(fault.is_string() ? fault.get<std::string>() : "?");

  const bool interrupted = flag_at(run, "interrupted");
  if (interrupted) faults.emplace_back("the run was interrupted");

  Judged judged{.plan = std::move(plan), .run_sha256 = std::move(run_sha256)};
  judged.verdict = verdict::judge(judged.plan, outcomes, canaries, faults);
  if (interrupted) judged.verdict.interrupted = true;
  judged.verdict_json = dump_pretty(verdict::to_json(judged.verdict, judged.plan));
  judged.run = std::move(run);
  return judged;
}

Status check_verdict_json(const fs::path& folder, const Judged& judged) {
  const fs::path file = folder / "verdict.json";
  auto text = read_file(file);
  if (!text) return fail(text.error());
  if (*text == judged.verdict_json) return {};
  return lab_error(
      "IS NOT WHAT THE RECORDED EVENTS GIVE: it, run.json or a journal was changed since, or it was "
      "written by another version of labctl (this run was made by '" +
          printable(text_at(judged.run, "tool"), 60) + "')",
      file.string(), "believe neither; run the scenario again");
}

std::string utc_now() { return show_moment(std::time(nullptr)); }

}  // namespace labctl::lab
