// What will be run, in words, for a terminal or a page of so many columns.

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "labctl/base/columns.h"
#include "labctl/base/text.h"
#include "labctl/report/words.h"

namespace labctl::report {
namespace {

std::string story_text(const plan::Cell& cell) {
  std::vector<std::string> steps;
  int reboots = 0;
  auto end_reboots = [&] {
    if (reboots > 0) steps.push_back(reboots == 1 ? "reboot" : fmt::format("reboot x{}", reboots));
    reboots = 0;
  };
  for (const auto& step : cell.story) {
    if (step.kind == scenario::StepKind::reboot) {
      ++reboots;
      continue;
    }
    end_reboots();
    steps.push_back(to_text(step));
  }
  end_reboots();
  return join(steps, ", ");
}

// Cells by what is said of them, in the order of the first of each.
using Groups = std::vector<std::pair<std::string, std::vector<std::string>>>;

void put(Groups& groups, const std::string& said, const std::string& cell) {
  auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == said; });
  if (group == groups.end()) group = groups.insert(groups.end(), {said, {}});
  group->second.push_back(cell);
}

// One row per cell.
std::string as_rows(const plan::Plan& plan) {
  std::size_t width = 4;
  for (const auto& cell : plan.cells) width = std::max(width, columns(cell.id));
  std::string text = fmt::format("{}  boots  story\n", fill("cell", width));
  for (const auto& cell : plan.cells)
    text += fmt::format("{}  {:<5}  {}\n", fill(cell.id, width), cell.boots_wanted(), story_text(cell));
  return text;
}

bool fits(std::string_view text, std::size_t width) {
  const auto lines = split(text, '\n');
  return std::all_of(lines.begin(), lines.end(), [&](const auto& line) { return columns(line) <= width; });
}

std::string as_groups(const plan::Plan& plan, std::size_t width) {
  Groups groups;
  for (const auto& cell : plan.cells)
    put(groups,
        fmt::format("{}: {}", plural(static_cast<std::size_t>(cell.boots_wanted()), "boot"),
                    story_text(cell)),
        cell.id);
  std::string text;
  for (const auto& [said, cells] : groups)
    text += wrap_lines(fmt::format("{}, {}", plural(cells.size(), "cell"), said), width, 4) + "\n" +
            in_columns(cells, width, 2);
  return text;
}

}  // namespace

std::string plan_table(const plan::Plan& plan, std::size_t width) {
  std::string text = as_rows(plan);
  if (!fits(text, width)) text = as_groups(plan, width);
  for (const auto& note : plan.notes) text += wrap_lines(fmt::format("note: {}", note), width, 2) + "\n";
  return text;
}

std::string proved_table(const plan::Plan& plan, std::size_t width) {
  Groups groups;
  for (const auto& cell : plan.cells)
    if (!cell.control) put(groups, plan::proved_in_words(cell), cell.id);
  std::string text;
  for (const auto& [words, cells] : groups) {
    const std::string of = groups.size() == 1 ? "" : fmt::format(" of {}", join_some(cells));
    text += wrap_lines(fmt::format("proved in every boot{}: {}", of, words), width, 2) + "\n";
  }
  return text;
}

}  // namespace labctl::report
