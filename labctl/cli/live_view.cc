#include "labctl/cli/live_view.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/columns.h"
#include "labctl/base/terminal_text.h"
#include "labctl/base/text.h"

namespace labctl::cli {
namespace {

using Stage = LiveCell::Stage;
using Paint = LiveLine::Paint;

constexpr int most_marks = 10;
constexpr std::size_t wide = 120;  // columns from which on the console stands in its cell's row
constexpr std::size_t most_step = 26;

bool has_ended(const LiveCell& cell) { return cell.stage != Stage::waiting && cell.stage != Stage::running; }

Millis elapsed(const LiveCell& cell, Millis now) {
  return cell.stage == Stage::running ? cell.elapsed + std::max(Millis(0), now - cell.heard) : cell.elapsed;
}

// "●●○": a mark for each boot, proved or not; numbers where there are many.
std::string marks(const LiveCell& cell, const Screen& screen) {
  if (cell.boots_wanted > most_marks) return fmt::format("{}/{}", cell.boots_proved, cell.boots_wanted);
  std::string text;
  for (int boot = 0; boot < cell.boots_wanted; ++boot)
    text += boot < cell.boots_proved ? (screen.symbols ? "\u25cf" : "#") : screen.symbols ? "\u25cb" : ".";
  return text;
}

Paint paint_of(Stage stage) {
  switch (stage) {
    case Stage::waiting:
      return Paint::faint;
    case Stage::running:
      return Paint::plain;
    case Stage::passed:
      return Paint::good;
    case Stage::failed:
      return Paint::bad;
    case Stage::not_proved:
      return Paint::unsure;
  }
  return Paint::plain;
}

struct Sums {
  std::size_t ended = 0, failed = 0, not_proved = 0, running = 0;
  int proved = 0, wanted = 0;
};

Sums sums_of(const LiveState& state) {
  Sums sums;
  for (const auto& cell : state.cells) {
    sums.ended += has_ended(cell);
    sums.failed += cell.stage == Stage::failed;
    sums.not_proved += cell.stage == Stage::not_proved;
    sums.running += cell.stage == Stage::running;
    sums.proved += cell.boots_proved;
    sums.wanted += cell.boots_wanted;
  }
  return sums;
}

// "about" goes where the line would not fit on the screen with it.
std::string headline(const LiveState& state, const Screen& screen, Millis now) {
  const auto sums = sums_of(state);
  std::string text = fmt::format("{} of {} cells ended", sums.ended, state.cells.size());
  if (sums.failed != 0) text += fmt::format(", {} failed", sums.failed);
  if (sums.not_proved != 0) text += fmt::format(", {} not proved", sums.not_proved);
  text += fmt::format("; {} running; {} of {} boots; {}", sums.running, sums.proved, sums.wanted,
                      show_duration(now));
  const Millis left = time_left(state, now);
  if (left.count() <= 0) return text;
  const std::string exact = fmt::format("{} left", show_duration(left));
  const std::string whole = fmt::format("{}, about {}", text, exact);
  return columns(whole) <= screen.width ? whole : fmt::format("{}, {}", text, exact);
}

// For a screen without symbols: "~" where something was cut.
std::string with_tildes(std::string_view text) {
  constexpr std::string_view ellipsis = "\u2026";
  std::string plain;
  for (auto at = text.find(ellipsis); at != text.npos; at = text.find(ellipsis)) {
    plain.append(text.substr(0, at)) += '~';
    text.remove_prefix(at + ellipsis.size());
  }
  return plain.append(text);
}

// How wide the parts of a row are, for all rows alike.
struct Widths {
  std::size_t id = 0, marks = 0, step = 0;
};

std::string row(const LiveCell& cell, const Widths& widths, const Screen& screen, Millis now) {
  const std::string since = cell.stage == Stage::waiting ? "" : show_duration(elapsed(cell, now));
  return fmt::format("{}  {}  {:>6}  {}", fill(cut_middle(cell.id, widths.id), widths.id),
                     fill(marks(cell, screen), widths.marks), since,
                     cut_end(cell.stage == Stage::waiting ? "waits" : cell.step, widths.step));
}

Widths widths_for(const std::vector<const LiveCell*>& cells, std::size_t step_width, const Screen& screen) {
  Widths widths;
  widths.step = step_width;
  for (const auto* cell : cells) {
    widths.id = std::max(widths.id, columns(cell->id));
    widths.marks = std::max(widths.marks, columns(marks(*cell, screen)));
  }
  widths.step = std::clamp<std::size_t>(widths.step, 12, most_step);
  const std::size_t others = widths.marks + widths.step + 6 + 3 * 2;
  widths.id = std::min(widths.id, screen.width > others + 8 ? screen.width - others : 8);
  return widths;
}

class Page {
 public:
  Page(const Screen& screen, std::size_t step_width, Millis now)
      : screen_(screen), step_width_(step_width), now_(now) {}

  void add(std::string text, Paint paint) {
    text = cut_end(for_terminal(text), screen_.width);
    lines_.push_back({screen_.symbols ? std::move(text) : with_tildes(text), paint});
  }

  void add_cells(const std::vector<const LiveCell*>& cells, bool consoles) {
    const auto widths = widths_for(cells, step_width_, screen_);
    for (const auto* cell : cells) {
      std::string text = row(*cell, widths, screen_, now_);
      const bool says = cell->stage == Stage::running && !cell->last_line.empty();
      if (says && screen_.width >= wide)
        text = fill(text, widths.id + widths.marks + widths.step + 6 + 3 * 2) + "  " + cell->last_line;
      add(std::move(text), paint_of(cell->stage));
      if (consoles && cell->stage == Stage::running) add("    " + cell->last_line, Paint::faint);
    }
  }

  std::vector<LiveLine> lines() && { return std::move(lines_); }

 private:
  const Screen& screen_;
  std::size_t step_width_;
  Millis now_;
  std::vector<LiveLine> lines_;
};

// The mean of all boots that were proved in this run; 0: none was.
Millis measured_boot(const LiveState& state) {
  Millis all{0};
  int boots = 0;
  for (const auto& cell : state.cells) {
    all += cell.last_boot;
    boots += cell.boots_proved;
  }
  return boots == 0 ? Millis(0) : all / boots;
}

}  // namespace

LiveState live_state(const gate::CellsBegan& began) {
  LiveState state{.cells = {}, .at_once = began.at_once};
  for (std::size_t i = 0; i < began.cells.size(); ++i) {
    const auto ahead = i < began.ahead.size() ? began.ahead[i] : gate::CellsBegan::Ahead{};
    LiveCell cell{.id = began.cells[i], .step = {}, .last_line = {}};
    cell.boots_wanted = ahead.boots;
    cell.boot = ahead.boot;
    state.cells.push_back(std::move(cell));
  }
  return state;
}

void take(LiveState& state, const lab::Progress& progress, Millis now) {
  const auto found = std::find_if(state.cells.begin(), state.cells.end(),
                                  [&](const auto& cell) { return cell.id == progress.cell; });
  if (found == state.cells.end()) return;
  // A cell that the lab failed is tried again, from its beginning.
  const auto& outcome = progress.outcome;
  if (outcome.boots_proved != found->boots_proved)
    found->last_boot = outcome.boots_proved == 0 ? Millis(0) : progress.elapsed;
  found->stage = Stage::running;
  found->step = progress.where;
  found->last_line = progress.last_line;
  found->boots_proved = outcome.boots_proved;
  if (outcome.boots_wanted != 0) found->boots_wanted = outcome.boots_wanted;
  found->elapsed = progress.elapsed;
  found->heard = now;
  if (progress.ended) found->step = outcome::to_string(outcome.ending);
  state.step_width = std::max(state.step_width, columns(found->step));
  if (!progress.ended) return;
  const auto ending = outcome.ending;
  found->stage = outcome.as_wanted()                 ? Stage::passed
                 : outcome::is_guest_failure(ending) ? Stage::failed
                                                     : Stage::not_proved;
}

Millis time_left(const LiveState& state, Millis now) {
  const Millis mean = measured_boot(state);
  Millis all{0}, longest{0};
  for (const auto& cell : state.cells) {
    if (has_ended(cell)) continue;
    const Millis boot = cell.boots_proved != 0 ? cell.last_boot / cell.boots_proved
                        : mean.count() != 0    ? mean
                                               : cell.boot;
    if (boot.count() == 0) return Millis(-1);
    const Millis begun = cell.stage == Stage::running ? elapsed(cell, now) - cell.last_boot : Millis(0);
    const Millis left =
        boot * std::max(0, cell.boots_wanted - cell.boots_proved) - std::clamp(begun, Millis(0), boot);
    all += std::max(Millis(0), left);
    longest = std::max(longest, left);
  }
  return std::max(longest, all / std::max(1u, state.at_once));
}

std::vector<LiveLine> live_view(const LiveState& state, const Screen& screen, Millis now) {
  std::vector<const LiveCell*> all, running;
  for (const auto& cell : state.cells) {
    all.push_back(&cell);
    if (cell.stage == Stage::running) running.push_back(&cell);
  }
  Page page(screen, state.step_width, now);
  const auto head = wrap(headline(state, screen, now), screen.width, 2);
  for (const auto& line : head) page.add(line, Paint::bold);
  const std::size_t room = std::max(head.size() + 2, screen.height) - head.size();
  const bool two_lines = screen.width < wide;
  if (all.size() + (two_lines ? running.size() : 0) <= room) {
    page.add_cells(all, two_lines);
  } else if (all.size() <= room) {
    page.add_cells(all, false);
  } else if (running.size() * (two_lines ? 2 : 1) <= room) {
    page.add_cells(running, two_lines);
  } else if (running.size() <= room) {
    page.add_cells(running, false);
  } else {
    const std::size_t more = running.size() - (room - 1);
    running.resize(room - 1);
    page.add_cells(running, false);
    page.add(fmt::format("and {} more that run", more), Paint::faint);
  }
  return std::move(page).lines();
}

std::string ended_text(const lab::Progress& progress, std::size_t id_width, Millis now) {
  const auto& outcome = progress.outcome;
  std::string text = fmt::format("{:<6}  {}  {}", show_duration(now), fill(progress.cell, id_width),
                                 outcome::to_string(outcome.ending));
  if (!outcome.reason.empty()) text += fmt::format(": {}", outcome.reason);
  for (const auto& seen : outcome.findings)
    text += fmt::format("\n        {} ({}, boot {}){}", printable(seen.finding.title),
                        crash::to_string(seen.finding.kind), seen.boot,
                        seen.finding.suppressed.empty() ? "" : ", does not count");
  return text;
}

}  // namespace labctl::cli
