#include "labctl/bundle/judge.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/slow_work.h"
#include "labctl/base/text.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/bundle/control_record.h"
#include "labctl/bundle/judge_once.h"
#include "labctl/cell/cell.h"
#include "labctl/guest/guest.h"

namespace labctl::bundle {
namespace {

// Whether a guest was given what run.json says it was: the digests on its CD are those of its artifacts.
bool given_as_recorded(const plan::Cell& cell, const outcome::RunRecord& run, const event::Opened& opened) {
  std::set<std::string> paths, wanted, given;
  for (const auto& file : plan::given_to(cell)) paths.insert(file.path);
  for (const auto& path : paths) {
    const auto* artifact = run.artifact(path);
    if (!artifact) return false;
    wanted.insert(artifact->sha256);
  }
  for (const auto& [name, digest] : opened.payload)
    if (!guest::is_tar(name)) given.insert(digest);  // its files are in the manifest, which has been recorded
  return wanted == given;
}

// The whole records of a journal that may have been cut off in the middle of one.
Result<event::Journal> read_whole_records(const plan::Cell& cell, const fs::path& folder) {
  auto text = read_file(folder / "events.jsonl", event::largest_journal);
  if (!text) return fail(text.error());
  text->resize(text->rfind('\n') + 1);
  return event::read_journal(*text, cell.id, folder.filename().string() + "/events.jsonl");
}

// None: it was recorded under rules by which earlier attempts were not recorded.
std::optional<outcome::Attempt> read_attempt(const plan::Cell& cell, const fs::path& folder, bool told) {
  outcome::Attempt attempt{.records = folder.filename().string()};
  const auto journal = read_whole_records(cell, folder);
  if (!journal) {
    attempt.reason = fmt::format("it left no journal that can be read: {}", journal.error().what);
    return told ? std::optional(attempt) : std::nullopt;
  }
  if (!std::get<event::Opened>(journal->events.front().what).earned()) return std::nullopt;
  const outcome::Outcome outcome = cell::replay(cell, journal->events);
  attempt.ending = outcome.ending;
  attempt.reason = outcome.reason;
  attempt.boots_proved = outcome.boots_proved;
  attempt.took = journal->events.back().at;
  attempt.journal = {journal->chain.head, journal->chain.events};
  return attempt;
}

// Whether what cannot be read whole is only a journal that was cut off: its whole records are a chain.
bool cut_off(const plan::Cell& cell, const fs::path& folder) {
  auto text = read_file(folder / "events.jsonl", event::largest_journal);
  if (!text || text->ends_with('\n')) return false;
  return text->find('\n') == text->npos || read_whole_records(cell, folder).has_value();
}

// Whether a journal is there that no cut explains.
bool damaged(const plan::Cell& cell, const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "events.jsonl", ignored)) return false;
  auto text = read_file(folder / "events.jsonl", event::largest_journal);
  if (text && text->empty()) return false;
  return !read_cell_journal(cell, folder) && !cut_off(cell, folder);
}

// What the run put aside before the cell's own records; a guest's failure among it is one that a later
// attempt may not cancel.
void add_attempts(const plan::Cell& cell, const fs::path& folder, outcome::Outcome& outcome,
                  std::vector<std::string>& contradictions) {
  std::error_code ignored;
  for (const char* kind : {".lab-failed-", ".cut-off-", other_attempt})
    for (int number = 1;; ++number) {
      const fs::path aside = folder.string() + kind + std::to_string(number);
      if (!fs::exists(aside, ignored)) break;
      if (kind == other_attempt && damaged(cell, aside)) {
        const std::string reason =
            fmt::format("the journal of {} was changed after it was written", aside.filename().string());
        contradictions.push_back(cell.id + ": " + reason);
        if (outcome::is_guest_failure(outcome.ending)) continue;
        outcome.ending = outcome::Ending::lab_failed;
        outcome.reason = reason;
      }
      if (cell.control && fs::exists(aside / control_file, ignored))
        continue;  // an earlier run's, not run here
      if (auto attempt = read_attempt(cell, aside, outcome.rules >= 2)) outcome.attempts.push_back(*attempt);
    }
  for (const auto& attempt : outcome.attempts) {
    if (!outcome::is_guest_failure(attempt.ending) || outcome::is_guest_failure(outcome.ending)) continue;
    outcome.ending = attempt.ending;
    outcome.reason = fmt::format("an earlier attempt ({}) ended so: {}", attempt.records, attempt.reason);
  }
}

// Whether a guest ran the image that run.json names, from the snapshot that it names.
bool started_as_recorded(const plan::Cell& cell, const outcome::RunRecord& run, const event::Opened& opened) {
  const auto* image = run.image(cell.image, cell.machine.name);
  return image && opened.image == image->sha256 && opened.snapshot == image->snapshot_sha256;
}

// What run.json says its guests started from must be what was built. An image is named in the attestation
// by the digest that it has here.
void doubt_images(const outcome::RunRecord& run, std::vector<std::string>& faults) {
  for (const auto* cell : run.plan.bases()) {
    const std::string name = outcome::Canary{cell->image, cell->machine.name}.name();
    const auto* image = run.image(cell->image, cell->machine.name);
    if (!image)
      faults.push_back(fmt::format("run.json does not name the image {}", name));
    else if (!is_sha256(image->sha256) || image->sha256 != image->facts.sha256)
      faults.push_back(fmt::format(
          "the image {} is not what its build recorded: run.json names the sha256 {}, the build {}", name,
          printable(image->sha256, 64), printable(image->facts.sha256, 64)));
    else if (!is_sha256(image->snapshot_sha256))
      faults.push_back(
          fmt::format("run.json does not name the snapshot that the cells of {} started from", name));
  }
}

// Which earlier run a control is taken from.
Result<std::optional<outcome::ReusedFrom>> kept_of(const plan::Cell& cell, const outcome::RunRecord& run,
                                                   const fs::path& folder) {
  if (!cell.control) return std::nullopt;
  return run.earned() ? read_kept(folder, run, cell)
                      : read_kept(folder, run.part(cell.image, cell.machine.name).began);
}

outcome::Outcome recorded_outcome(const plan::Cell& cell, const outcome::RunRecord& run,
                                  const fs::path& folder, std::vector<std::string>& contradictions,
                                  const OnJournal& on_journal) {
  outcome::Outcome outcome{
      .cell = cell.id, .ending = outcome::Ending::not_run, .reason = "it was never started"};
  outcome.boots_wanted = cell.boots_wanted();
  if (run.ended_early) outcome.reason = "it was left out: another guest had failed (--fail-fast)";
  std::error_code problem;
  if (!fs::exists(folder / "events.jsonl", problem)) return outcome;
  auto journal = read_cell_journal(cell, folder);
  outcome.ending = outcome::Ending::lab_failed;
  const auto contradicted = [&](const std::string& reason) {
    outcome.reason = reason;
    contradictions.push_back(cell.id + ": " + reason);
    return outcome;
  };
  if (!journal) {
    outcome.reason = journal.error().text();
    return cut_off(cell, folder) ? outcome : contradicted(outcome.reason);
  }
  auto life = cell::life_of(cell, journal->events);
  if (on_journal) on_journal(cell, *journal, std::move(life.steps));
  const auto& opened = std::get<event::Opened>(journal->events.front().what);
  if (!given_as_recorded(cell, run, opened))
    return contradicted("its guest was given other artifacts than run.json names");
  if (run.earned() && opened.earned() && !started_as_recorded(cell, run, opened))
    return contradicted("its guest started from another disk than run.json names");
  if (opened.hold != 0) {
    outcome.reason = "it is the journal of a reproduction, whose guest somebody may have touched";
    return outcome;
  }
  const auto kept = kept_of(cell, run, folder);
  if (!kept) {
    outcome.reason = kept.error().text();
    return outcome;
  }
  outcome = std::move(life.outcome);
  outcome.journal = {journal->chain.head, journal->chain.events};
  outcome.kept = *kept;
  outcome.rules = std::min(outcome.rules, run.rules);
  return outcome;
}

}  // namespace

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
    return input_error(fmt::format("is not a bundle: {}", text.error().what), run_file.string(),
                       "give the folder that 'labctl run' printed at its end");
  auto run = outcome::read_run_record(*text, run_file.string());
  if (!run) return fail(run.error());
  return RecordedRun{std::move(*run), labctl::sha256(*text)};
}

Result<Judged> judge_bundle(const fs::path& folder, const OnJournal& on_journal) {
  auto recorded = read_run(folder);
  if (!recorded) return fail(recorded.error());
  const auto& run = recorded->record;
  std::vector<outcome::Outcome> outcomes;
  std::vector<std::string> contradictions;
  SlowWork work(fmt::format("judging the cells of {}", folder.string()), run.plan.cells.size(),
                SlowWork::Unit::things);
  for (const auto& cell : run.plan.cells) {
    outcomes.push_back(recorded_outcome(cell, run, folder / "cells" / cell.id, contradictions, on_journal));
    add_attempts(cell, folder / "cells" / cell.id, outcomes.back(), contradictions);
    work.done(1);
  }
  std::vector<outcome::Canary> canaries;
  for (const auto* cell : run.plan.bases())
    canaries.push_back(run.earned() ? read_canary(folder / "canary", run, cell->image, cell->machine.name)
                                    : read_canary(folder / "canary", cell->image, cell->machine.name));
  auto faults = run.faults.value_or(std::vector<std::string>{"the run's record was never finished"});
  if (run.interrupted) faults.emplace_back("the run was interrupted");
  if (run.shard)
    faults.push_back(
        fmt::format("this is shard {} of a run that was split, and has no verdict of its own: 'labctl merge' "
                    "gives the whole",
                    run.shard->index));
  if (run.earned()) doubt_images(run, faults);
  if (run.rules > outcome::rules_now)
    faults.push_back(fmt::format(
        "the run was made under rule set {}, and this labctl knows {}: judge it with the labctl that made it",
        run.rules, outcome::rules_now));

  Judged judged{.run_sha256 = std::move(recorded->sha256),
                .verdict = verdict::judge(run.plan, outcomes, canaries, faults)};
  if (run.interrupted) judged.verdict.interrupted = true;
  judged.verdict_json = dump_pretty(verdict::to_json(judged.verdict, run.plan));
  judged.run = std::move(recorded->record);
  judged.contradictions = std::move(contradictions);
  return judged;
}

Result<Judged> judge_bundle(const fs::path& folder) { return judge_bundle(folder, {}); }

Status check_verdict_json(const fs::path& folder, const Judged& judged) {
  const fs::path file = folder / "verdict.json";
  auto text = read_file(file);
  if (!text) return fail(text.error());
  if (*text == judged.verdict_json) return {};
  return lab_error(
      fmt::format("does not match the verdict derived from the recorded events: the verdict, run.json or a "
                  "journal was modified, or another version of labctl wrote it (this run was made by '{}')",
                  printable(judged.run.tool, 60)),
      file.string(), "trust neither; run the scenario again");
}

}  // namespace labctl::bundle
