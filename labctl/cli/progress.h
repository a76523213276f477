// What is going on, while it goes on: on a terminal one line per cell, redrawn; in a pipe a plain line
// whenever a cell moves and every half minute, so that silence never lasts.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "labctl/lab/run_cell.h"

namespace labctl::cli {

class ProgressDisplay {
 public:
  // `cells` in the order in which they are shown.
  ProgressDisplay(std::vector<std::string> cells, bool terminal);
  ~ProgressDisplay();

  void update(const lab::Progress& progress);

 private:
  struct Row {
    lab::Progress progress;
    std::string said;  // the last `where` that a pipe was given
    std::chrono::steady_clock::time_point when{};
  };
  void plain(Row& row);
  void draw();
  void erase();

  std::vector<std::string> cells_;
  std::map<std::string, Row> rows_;
  std::size_t width_ = 0;
  std::size_t drawn_ = 0;  // lines on the terminal that are ours
  bool terminal_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_draw_{};
};

}  // namespace labctl::cli
