#include "labctl/lab/bisect.h"

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/lab/crew.h"
#include "labctl/lab/run_cell.h"
#include "labctl/lab/supplies.h"

namespace labctl::lab {
namespace {

constexpr std::size_t most_records = 100'000;
constexpr auto patience = std::chrono::minutes(5);

const verdict::Seen* first_that_counts(const verdict::Outcome& outcome) {
  const verdict::Seen* first = nullptr;
  for (const auto& seen : outcome.findings) {
    if (!seen.finding.suppressed.empty()) continue;
    if (seen.finding.severity == crash::Severity::fatal) return &seen;
    if (!first) first = &seen;
  }
  return first;
}

Error command_failed(const Error& error, const char* key) {
  return {Fault::input, std::string("the scenario's ") + key + " failed: " + error.what, error.where,
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
    return input_error("the scenario's bisect.records prints more than " + std::to_string(most_records) +
                       " records");
  return lines;
}

}  // namespace

Wanted wanted_of(const verdict::Outcome& outcome) {
  Wanted wanted{.ending = outcome.ending, .boot = outcome.boots_proved};
  if (const auto* seen = first_that_counts(outcome)) {
    wanted.title = seen->finding.title;
    wanted.boot = seen->boot;
    wanted.excerpt = seen->finding.excerpt;
  }
  return wanted;
}

bool is_same(const Wanted& wanted, const verdict::Outcome& outcome) {
  if (wanted.title.empty()) return outcome.ending == wanted.ending;
  return std::any_of(outcome.findings.begin(), outcome.findings.end(), [&](const verdict::Seen& seen) {
    return seen.finding.title == wanted.title && seen.finding.suppressed.empty();
  });
}

plan::Cell cut_story(plan::Cell cell, int boot) {
  int boots = 0;
  const auto behind = std::find_if(cell.story.begin(), cell.story.end(), [&](const scenario::Step& step) {
    return scenario::boots(step.kind) && ++boots > boot;
  });
  cell.story.erase(behind, cell.story.end());
  return cell;
}

Result<ProbeSeen> Probes::live(const fs::path& driver, const fs::path& content) {
  plan::Plan plan;
  plan.cells = {stand_.cell};
  auto& cell = plan.cells.front();
  cell.driver_path = driver.string();
  if (!cell.content_path.empty() && content.string() != cell.content_path) {
    cell.content_path = content.string();
    cell.content_damage = scenario::Damage::none;
  }
  const std::string name = "probe-" + std::to_string(++lived_);
  const fs::path work = stand_.work / name;
  if (auto made = make_dirs(work); !made) return fail(made.error());
  auto supplies = Supplies::gather(plan, {}, store_, work);
  if (!supplies) return fail(supplies.error().front());
  for (int attempt = 0;; ++attempt) {
    const CellJob job{.cell = cell,
                      .ground = stand_.ground,
                      .payload = supplies->of(cell).payload,
                      .files = supplies->of(cell).files,
                      .signatures = stand_.signatures,
                      .folder = stand_.records / (attempt == 0 ? name : name + "." + std::to_string(attempt)),
                      .disk = work / "disk.qcow2"};
    ProbeSeen seen{.outcome = run_cell(
                       job, host_, [](const Progress&) {}, stop_)};
    if (stop_.stop_requested()) return fail({Fault::interrupted, "interrupted", {}, {}});
    if (seen.outcome.ending == verdict::Ending::lab_failed) {
      if (may_try_again(seen.outcome, attempt, cell.policy)) continue;
      return lab_error("the lab failed a probe: " + seen.outcome.reason, job.folder.string());
    }
    seen.same = is_same(stand_.wanted, seen.outcome);
    std::error_code ignored;
    fs::remove_all(work, ignored);
    return seen;
  }
}

Result<std::vector<std::string>> read_records(const scenario::Split& split, const fs::path& content,
                                              const fs::path& folder) {
  auto records = split.files.empty() ? lines_of(split.records, content, folder)
                                     : Result<std::vector<std::string>>(split.files);
  if (!records) return records;
  if (records->empty())
    return input_error("the scenario's bisect.records prints no record of " + content.string());
  std::set<std::string> known;
  for (const auto& record : *records)
    if (!known.insert(record).second)
      return input_error("the scenario's bisect.records prints '" + printable(record) + "' twice");
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
    return input_error("the scenario's bisect.subset made no $LABCTL_SUBSET of " +
                       std::to_string(kept.size()) + " records");
  return subset;
}

}  // namespace labctl::lab
