#include "labctl/cli/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "labctl/base/terminal_text.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 100;
}

// Bytes, not columns: a cut may fall inside a character, which terminals survive.
std::string cut(const std::string& text, std::size_t width) {
  return text.substr(0, std::min(text.size(), width));
}

std::string ending_text(const lab::Progress& progress) {
  std::string text = outcome::to_string(progress.outcome.ending);
  if (!progress.outcome.reason.empty()) text += ": " + progress.outcome.reason;
  return text;
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::vector<std::string> cells, bool terminal)
    : cells_(std::move(cells)), terminal_(terminal) {
  for (const auto& cell : cells_) width_ = std::max(width_, cell.size());
}

ProgressDisplay::~ProgressDisplay() { erase(); }

void ProgressDisplay::update(const lab::Progress& progress) {
  Row& row = rows_[progress.cell];
  row.progress = progress;
  if (!terminal_) return plain(row);
  if (progress.ended) {
    erase();
    plain(row);
  }
  // Redrawing is for eyes: ten times a second is plenty.
  if (progress.ended || Clock::now() - last_draw_ > 100ms) draw();
}

void ProgressDisplay::plain(Row& row) {
  const auto& p = row.progress;
  const std::string what = p.ended ? ending_text(p) : p.where;
  if (what == row.said && Clock::now() - row.when < 30s) return;
  std::string line = padded(show_duration(std::chrono::duration_cast<Millis>(Clock::now() - began_)), 6) +
                     "  " + padded(p.cell, width_) + "  " + what;
  if (what == row.said) line += fmt::format(" (still, {}) {}", show_duration(p.elapsed), p.last_line);
  row.said = what;
  row.when = Clock::now();
  cli::say(line);
}

void ProgressDisplay::draw() {
  erase();
  last_draw_ = Clock::now();
  const std::size_t width = terminal_width() - 1;
  for (const auto& cell : cells_) {
    auto row = rows_.find(cell);
    if (row == rows_.end() || row->second.progress.ended) continue;
    const auto& p = row->second.progress;
    const std::string line = padded(show_duration(p.elapsed), 6) + "  " + padded(cell, width_) + "  " +
                             padded(p.where, 20) + "  " + p.last_line;
    std::fprintf(stderr, "%s\n", cut(for_terminal(line), width).c_str());
    ++drawn_;
  }
}

void ProgressDisplay::erase() {
  if (drawn_ != 0) std::fprintf(stderr, "\033[%zuA\033[J", drawn_);
  drawn_ = 0;
}

}  // namespace labctl::cli
