// What a cell's guest is given, file by file.

#include "labctl/plan/plan.h"

namespace labctl::plan {
namespace {

using Of = Given::Of;

void add_driver(std::vector<Given>& all, const Given& first, const std::vector<std::string>& with) {
  if (first.path.empty()) return;
  all.push_back(first);
  for (const auto& path : with) {
    all.push_back(first);
    all.back().path = path;
    all.back().place = all[all.size() - 2].place + 1;
  }
}

void add_candidates(const Cell& cell, std::vector<Given>& all) {
  add_driver(all, {.of = Of::driver, .path = cell.driver_path, .mark = cell.driver_mark}, cell.driver_with);
  if (!cell.content_path.empty())
    all.push_back({.of = Of::content,
                   .path = cell.content_path,
                   .mark = cell.content_mark,
                   .damage = cell.content_damage,
                   .damaged_file = cell.content_damaged_file});
  for (const auto& extra : cell.extra_drivers)
    add_driver(all, {.of = Of::driver, .label = extra.label, .path = extra.path, .mark = extra.mark},
               extra.with);
  for (const auto& extra : cell.extra_contents)
    all.push_back({.of = Of::content,
                   .label = extra.label,
                   .path = extra.path,
                   .mark = extra.mark,
                   .damage = extra.damage,
                   .damaged_file = extra.damaged_file});
}

}  // namespace

std::vector<Given> given_to(const Cell& cell) {
  std::vector<Given> all;
  if (!cell.control) add_candidates(cell, all);
  std::size_t updates = 0;
  for (const auto& step : cell.story)
    if (step.kind == scenario::StepKind::update)
      all.push_back({.of = Of::update, .place = updates++, .path = step.text, .mark = step.mark});
  return all;
}

}  // namespace labctl::plan
