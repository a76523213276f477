// What is going on, while it goes on, in a pipe: a plain line whenever a cell moves and every half minute, so
// that silence never lasts.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "labctl/lab/run_cell.h"

namespace labctl::cli {

class ProgressLines {
 public:
  explicit ProgressLines(const std::vector<std::string>& cells);

  void update(const lab::Progress& progress);

 private:
  struct Row {
    std::string said;  // the last `where` that was reported
    std::chrono::steady_clock::time_point when{};
  };

  std::map<std::string, Row> rows_;
  std::size_t width_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace labctl::cli
