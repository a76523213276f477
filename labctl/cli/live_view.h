// What a terminal shows of cells at work, as lines: a state, a screen and a moment in, lines out. Pure; who
// draws them is live_area.h.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/gate/observer.h"

namespace labctl::cli {

struct LiveCell {
  enum class Stage { waiting, running, passed, failed, not_proved };
  std::string id;
  Stage stage = Stage::waiting;
  std::string step;       // "boot 2/3: settle"; of one that has ended how
  std::string last_line;  // of its console
  int boots_proved = 0, boots_wanted = 0;
  Millis elapsed{0};    // of its life
  Millis heard{0};      // when that was heard of, on the view's clock
  Millis last_boot{0};  // of its life, when the last boot was proved
  Millis boot{0};       // how long one takes, as it was known beforehand; 0: it was not
};

struct LiveState {
  std::vector<LiveCell> cells;  // in the order in which they are to run
  unsigned at_once = 1;
  std::size_t step_width = 0;  // of the widest step yet: the columns of a view that only grow do not jump
};

// `now` is the time since the cells began, as in live_view().
LiveState live_state(const gate::CellsBegan& began);
void take(LiveState& state, const lab::Progress& progress, Millis now);

// How long the cells still need, at the boots that were measured in this run, else on this host; -1: nobody
// can tell yet.
Millis time_left(const LiveState& state, Millis now);

struct Screen {
  std::size_t width = 79, height = 23;  // what lines may take of it
  bool symbols = true;                  // else marks of ASCII
};

struct LiveLine {
  std::string text;  // at most as wide as the screen; safe for a terminal
  enum class Paint { plain, bold, faint, good, bad, unsure } paint = Paint::plain;
  bool operator==(const LiveLine&) const = default;
};

// A line of sums, then a row for each cell: all of them where there is place, else those that run, and how
// many more do. The last line of a running guest's console stands in its row or below it.
std::vector<LiveLine> live_view(const LiveState& state, const Screen& screen, Millis now);

// What stays on the terminal of a cell that has ended: how, and what was found in it.
std::string ended_text(const lab::Progress& progress, std::size_t id_width, Millis now);

}  // namespace labctl::cli
