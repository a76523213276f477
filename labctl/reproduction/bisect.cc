#include "labctl/reproduction/bisect.h"

#include <fmt/core.h>

#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/log.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/cell/hold.h"
#include "labctl/lab/scheduler.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/reproduction/kept_machines.h"

namespace labctl::reproduction {
namespace {

constexpr std::size_t most_records = 100'000;
constexpr auto patience = std::chrono::minutes(5);

Error command_failed(const Error& error, const char* key) {
  return {Fault::input, fmt::format("the scenario's {} failed: {}", key, error.what), error.where,
          error.hint};
}

// The whole output of a command, a line at a time: run() keeps only its end.
Result<std::vector<std::string>> lines_of(const std::string& command, const fs::path& content,
                                          const fs::path& folder) {
  std::vector<std::string> lines;
  bool too_many = false;
  auto ended = run_ok({.argv = {"/bin/sh", "-c", command},
                       .environment = {{"LABCTL_CONTENT", content.string()}},
                       .directory = folder,
                       .deadline = patience,
                       .on_line = [&](std::string_view line) {
                         too_many |= lines.size() >= most_records;
                         if (!too_many && !trim(line).empty()) lines.emplace_back(line);
                       }});
  if (!ended) return fail(command_failed(ended.error(), "bisect.records"));
  if (too_many)
    return input_error(
        fmt::format("the scenario's bisect.records prints more than {} records", most_records));
  return lines;
}

}  // namespace

lab::CellJob Probes::job_of(const plan::Cell& cell, const lab::CellArtifacts& staged,
                            const std::string& name) const {
  return {.cell = cell,
          .base = stand_.base,
          .payload = staged.payload,
          .files = staged.files,
          .builds = staged.builds,
          .signatures = stand_.signatures,
          .folder = stand_.records / name,
          .disk = stand_.work / (name + ".qcow2")};
}

Result<const Probes::Base*> Probes::base_of(const plan::Cell& cell, const lab::CellArtifacts& staged) {
  if (!stand_.from_content || !stand_.base.live()) return nullptr;
  const auto digest = staged.files.find(guest::driver_file(cell.guest.driver));
  if (digest == staged.files.end()) return nullptr;
  const auto [at, fresh] = bases_.try_emplace(digest->second);
  auto& base = at->second;
  if (!fresh) return base ? &*base : nullptr;
  const std::string name = "base-" + std::to_string(bases_.size());
  lab::CellJob job = job_of(cell, staged, name);
  const auto hold = cell::hold_before_content(cell, {.cell = cell.id,
                                                     .boot_time = job.base.boot_time,
                                                     .live = true,
                                                     .payload = job.files,
                                                     .rules = job.rules});
  if (!hold) return nullptr;
  job.hold = hold->left;
  job.at_end = [&](const lab::Checkpoint& checkpoint, const outcome::Outcome&) {
    const fs::path disk = stand_.work / (name + ".kept");
    std::error_code problem;
    fs::rename(job.disk, disk, problem);
    if (!problem) base = Base{checkpoint, disk};
  };
  // One that cannot be brought there is no mistake: its probes tell what becomes of them.
  if (auto saved = save_where_it_holds(job, host_, stop_); !saved && stop_.stop_requested())
    return fail(saved.error());
  return base ? &*base : nullptr;
}

Result<ProbeSeen> Probes::live(const fs::path& driver, const fs::path& content) {
  plan::Plan plan;
  plan.cells = {stand_.cell};
  auto& cell = plan.cells.front();
  cell.driver_path = driver.string();
  if (!cell.content_path.empty() && content.string() != cell.content_path) {
    cell.content_path = content.string();
    cell.content_damage = scenario::Damage::none;
    cell.content_damaged_file.clear();
  }
  const std::string name = "probe-" + std::to_string(++runs_);
  const fs::path work = stand_.work / name;
  if (auto made = make_dirs(work); !made) return fail(made.error());
  auto gathered = lab::StagedArtifacts::gather(plan, {}, store_, work);
  if (!gathered) return fail(gathered.error().front());
  const lab::CellArtifacts& staged = gathered->of(cell);
  const auto base = base_of(cell, staged);
  if (!base) return fail(base.error());
  for (int attempt = 0;; ++attempt) {
    lab::CellJob job = job_of(cell, staged, attempt == 0 ? name : name + "." + std::to_string(attempt));
    if (*base) {
      job.from = &(*base)->checkpoint;
      job.base.disk = (*base)->disk;
      job.exchange = &staged;
    }
    const auto began = std::chrono::steady_clock::now();
    ProbeSeen seen{.restored = *base != nullptr,
                   .outcome = lab::run_cell(
                       job, host_, [](const lab::Progress&) {}, stop_)};
    seen.took = std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - began);
    if (stop_.stop_requested()) return interrupted();
    if (seen.outcome.ending == outcome::Ending::lab_failed) {
      if (lab::may_try_again(seen.outcome, attempt, cell.policy)) continue;
      return lab_error(fmt::format("the lab failed a probe: {}", seen.outcome.reason), job.folder.string());
    }
    seen.same = outcome::is_same(stand_.wanted, cell, seen.outcome);
    log::ignored(remove_below(stand_.work, work), "removing a probe's files");
    return seen;
  }
}

bool fails_from_content(const RecordedCell& recorded) {
  const auto content = cell::hold_before_content(recorded.cell, recorded.opened());
  const auto failure =
      cell::hold_before_failure(recorded.cell, recorded.journal.events, cell::Nearness::operation);
  return content && failure && content->left >= failure->left;
}

Result<std::vector<std::string>> read_records(const scenario::Split& split, const fs::path& content,
                                              const fs::path& folder) {
  auto records = split.files.empty() ? lines_of(split.records, content, folder)
                                     : Result<std::vector<std::string>>(split.files);
  if (!records) return records;
  if (records->empty())
    return input_error(fmt::format("the scenario's bisect.records prints no record of {}", content.string()));
  std::set<std::string> known;
  for (const auto& record : *records)
    if (!known.insert(record).second)
      return input_error(fmt::format("the scenario's bisect.records prints '{}' twice", printable(record)));
  return records;
}

Result<fs::path> make_subset(const scenario::Split& split, const fs::path& content,
                             const std::vector<std::string>& kept, const fs::path& folder,
                             const fs::path& work) {
  const std::string list = kept.empty() ? "" : join(kept, "\n") + "\n";
  const fs::path subset = work / ("subset-" + sha256(list).substr(0, 16));
  std::error_code problem;
  if (fs::exists(subset, problem)) return subset;
  const fs::path keep = work / "keep";
  if (auto written = write_file(keep, list); !written) return fail(written.error());
  auto made = run_ok({.argv = {"/bin/sh", "-c", split.subset},
                      .environment = {{"LABCTL_CONTENT", content.string()},
                                      {"LABCTL_KEEP", keep.string()},
                                      {"LABCTL_SUBSET", subset.string()}},
                      .directory = folder,
                      .deadline = patience});
  if (!made) return fail(command_failed(made.error(), "bisect.subset"));
  if (!fs::is_regular_file(subset, problem))
    return input_error(
        fmt::format("the scenario's bisect.subset made no $LABCTL_SUBSET of {} records", kept.size()));
  return subset;
}

std::string why_no_commands(const outcome::ScenarioRecord& recorded, const fs::path& bundle) {
  std::error_code problem, unknown;
  const fs::path file = fs::canonical(recorded.location(), problem);
  const fs::path folder = fs::canonical(bundle, unknown);
  if (problem || unknown) return "is not on this host";
  if (std::mismatch(folder.begin(), folder.end(), file.begin(), file.end()).first == folder.end())
    return "lies in the bundle itself";
  const auto text = read_file(file, 4u << 20);
  if (!text || *text != recorded.text) return "has another text than the run's";
  return {};
}

bool holds_recorded_values(const std::string& text, scenario::Variables variables,
                           const scenario::Split& split) {
  for (auto& [name, value] : variables) value = "another-" + name;
  const auto other = scenario::load(text, "the scenario", variables).scenario;
  if (!other || !other->split) return true;  // not known, so not trusted
  return other->split->files != split.files || other->split->records != split.records ||
         other->split->subset != split.subset;
}

}  // namespace labctl::reproduction
