#include "labctl/gate/fuzz_start.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cell/cell.h"
#include "labctl/gate/snapshots.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/reproduction/kept_machines.h"

namespace labctl::gate {
namespace {

// Its driver installed and its content applied once. What comes behind is the hunt's.
plan::Cell hunted(plan::Cell cell) {
  using enum scenario::StepKind;
  cell.story = {{.kind = install}};
  if (cell.guest.driver.loads == scenario::Loads::at_boot) cell.story.push_back({.kind = reboot});
  cell.story.push_back({.kind = apply});
  cell.story.push_back({.kind = run, .text = "true"});
  cell.extra_drivers.clear();
  cell.extra_contents.clear();
  return cell;
}

// Where to hold, as event::Opened says it: before the last step of the story.
int left_behind_apply(const lab::CellJob& job) {
  const auto all = cell::operations(job.cell, {.cell = job.cell.id,
                                               .boot_time = job.base.boot_time,
                                               .live = true,
                                               .payload = job.files,
                                               .rules = job.rules});
  int last = 0;
  for (const auto& operation : all) last = std::max(last, operation.chapter);
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& operation) { return operation.chapter == last; });
  return static_cast<int>(all.end() - at);
}

// Brings the cell behind its content's application and keeps that machine's disk.
Status save_moment(FuzzStart& start, const lab::CellArtifacts& staged, const plan::Plan& plan,
                   machine::Host& host, const fs::path& work, const Environment& environment) {
  lab::CellJob job{.cell = start.cell,
                   .base = start.trials.base,
                   .payload = staged.payload,
                   .files = staged.files,
                   .builds = staged.builds,
                   .signatures = signatures_of(plan),
                   .folder = work / "moment",
                   .disk = work / "moment.qcow2"};
  const fs::path kept = work / "moment.kept";
  job.hold = left_behind_apply(job);
  Status moved;
  job.at_end = [&](const lab::Checkpoint&, const outcome::Outcome&) {
    std::error_code problem;
    fs::rename(job.disk, kept, problem);
    if (problem)
      moved = lab_error(fmt::format("cannot keep a machine: {}", problem.message()), kept.string());
  };
  auto saved = reproduction::save_where_it_holds(job, host, environment.stop);
  if (!saved) return because(saved.error(), "the cell does not come to where the hunt begins");
  start.trials.base.disk = kept;
  return moved;
}

}  // namespace

Result<plan::Cell> find_hunted(const plan::Plan& plan, const std::string& pattern,
                               const std::string& scenario) {
  for (const auto& cell : plan.cells) {
    if (cell.control || (!pattern.empty() && !glob_match(pattern, cell.id))) continue;
    if (cell.driver_path.empty() || cell.content_path.empty() || !cell.guest.content) continue;
    if (cell.content_damage != scenario::Damage::none) continue;
    if (cell.guest.os != scenario::Os::linux_)
      return input_error(fmt::format("'{}' is of Windows: only Linux guests can be hunted in", cell.id),
                         scenario);
    if (cell.guest.content->is_folder())
      return input_error(
          fmt::format("the content of '{}' is a folder: only a single file can be varied", cell.id),
          scenario);
    return cell;
  }
  return input_error(pattern.empty() ? "the scenario has no cell with a driver and content"
                                     : fmt::format("no cell with a driver and content matches '{}'", pattern),
                     scenario, "labctl plan lists its cells");
}

Answer<FuzzStart> prepare_start(const StartOrder& order, machine::Host& host, const fs::path& work,
                                const Environment& environment, Observer& observer) {
  auto cell = find_hunted(order.plan, order.cell, order.scenario);
  if (!cell) return wrong(cell.error());
  FuzzStart start{.cell = hunted(std::move(*cell)), .driver = {}, .good = {}, .trials = {}, .facts = {}};
  plan::Plan alone = order.plan;
  alone.cells = {start.cell};
  auto staged = lab::StagedArtifacts::gather(alone, order.scenario, environment.store, work);
  if (!staged) return wrong(staged.error());
  const fs::path folder = fs::path(order.scenario).parent_path();
  std::error_code problem;
  std::vector<std::string> paths = start.cell.driver_with;
  paths.insert(paths.begin(), start.cell.driver_path);
  for (const auto& path : paths)
    start.driver.push_back(fs::absolute(folder / path, problem).lexically_normal().string());
  auto good = read_file(folder / start.cell.content_path, order.most_bytes);
  if (!good) return wrong({Fault::input, good.error().what, good.error().where, "--max-size may be larger"});
  start.good = std::move(*good);
  auto base =
      prepare_base(start.cell.image, snapshot::shape_on(host.facts(), snapshot::shape_of(start.cell.machine)),
                   host, environment, observer);
  if (!base) return wrong(base.error());
  start.trials = {.base = std::move(*base),
                  .guest = start.cell.guest,
                  .signatures = signatures_of(order.plan),
                  .work = work};
  if (const auto why = machine::why_no_snapshot(start.trials.base.shape); !why.empty())
    return wrong(
        {Fault::input, fmt::format("the cell's machine cannot be hunted in: {}", why), order.scenario, {}});
  const auto& files = staged->of(start.cell).files;
  start.facts = {.cell = start.cell.id,
                 .image = start.trials.base.image.sha256,
                 .driver = files.at(guest::driver_file(start.cell.guest.driver)),
                 .content = files.at(guest::content_file()),
                 .seed = order.seed};
  observer.on(Said{fmt::format("installing the driver and applying {} once", start.cell.content_path)});
  if (auto saved = save_moment(start, staged->of(start.cell), order.plan, host, work, environment); !saved)
    return wrong(saved.error());
  return start;
}

}  // namespace labctl::gate
