#include "labctl/cli/progress.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string ending_text(const lab::Progress& progress) {
  std::string text = outcome::to_string(progress.outcome.ending);
  if (!progress.outcome.reason.empty()) text += ": " + progress.outcome.reason;
  return text;
}

}  // namespace

ProgressLines::ProgressLines(const std::vector<std::string>& cells) {
  for (const auto& cell : cells) width_ = std::max(width_, columns(cell));
}

void ProgressLines::update(const lab::Progress& progress) {
  Row& row = rows_[progress.cell];
  const std::string what = progress.ended ? ending_text(progress) : progress.where;
  if (what == row.said && Clock::now() - row.when < 30s) return;
  std::string line = fmt::format(
      "{}  {}  {}", fill(show_duration(std::chrono::duration_cast<Millis>(Clock::now() - began_)), 6),
      fill(progress.cell, width_), what);
  if (what == row.said)
    line += fmt::format(" ({}, no change) {}", show_duration(progress.elapsed), progress.last_line);
  row.said = what;
  row.when = Clock::now();
  say(line);
}

}  // namespace labctl::cli
