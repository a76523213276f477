// The lines at the bottom of the terminal that are drawn again and again, on standard error. The cursor is
// left below them and stays visible, and no mode of the terminal is changed: however the process ends, there
// is nothing to put back.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "labctl/cli/live_view.h"
#include "labctl/cli/output.h"

namespace labctl::cli {

// While it lives, the lines of say() go above what it draws.
class LiveArea final : public Below {
 public:
  // `make` is asked for the lines from a thread of the area's own, four times a second at most, and when the
  // terminal has another size.
  using Make = std::function<std::vector<LiveLine>(const Screen&)>;
  explicit LiveArea(Make make);
  ~LiveArea() override;
  LiveArea(const LiveArea&) = delete;
  LiveArea& operator=(const LiveArea&) = delete;

  void put_above(std::string_view lines) override;

 private:
  std::string draw();
  std::string erase();

  Make make_;
  const bool colour_, symbols_;
  std::mutex mutex_;
  std::vector<std::size_t> drawn_;  // the columns of each line that is on the terminal
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace labctl::cli
