// Ctrl-C, SIGTERM and SIGHUP become a stop token; a SIGHUP that was ignored, as by nohup, stays so. The first
// one asks everything to end politely, the second gives up.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace labctl::host {

class Interrupt {
 public:
  // One per process. `say` is called on a thread of its own when the first signal comes.
  explicit Interrupt(std::function<void()> say);
  ~Interrupt();
  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread thread_;
};

}  // namespace labctl::host
