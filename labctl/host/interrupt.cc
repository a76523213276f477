#include "labctl/host/interrupt.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iterator>
#include <optional>

namespace labctl::host {
namespace {

using Clock = std::chrono::steady_clock;

int pipe_ends[2] = {-1, -1};
constexpr int numbers[] = {SIGINT, SIGTERM, SIGHUP};
struct sigaction before[std::size(numbers)];  // what whoever started this process wanted

// Handlers instead of a blocked mask: children would inherit the mask and never get our SIGTERM.
extern "C" void on_signal(int number) {
  const int saved = errno;
  const char byte = static_cast<char>(number);
  [[maybe_unused]] ssize_t put = ::write(pipe_ends[1], &byte, 1);
  errno = saved;
}

}  // namespace

Interrupt::Interrupt(std::function<void()> say) {
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < std::size(numbers); ++i) {
    ::sigaction(numbers[i], &action, &before[i]);
    // 'nohup' asks that the terminal's end is not ours.
    if (numbers[i] == SIGHUP && before[i].sa_handler == SIG_IGN) ::sigaction(numbers[i], &before[i], nullptr);
  }
  ::signal(SIGPIPE, SIG_IGN);
  thread_ = std::jthread([this, say = std::move(say)] {
    std::optional<Clock::time_point> first;
    for (;;) {
      char byte = 0;
      ssize_t got = ::read(pipe_ends[0], &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got != 1 || byte == 0) return;
      if (!first) {
        first = Clock::now();
        source_.request_stop();
        say();
      }
      // A closed terminal sends its signals twice at once; only a second Ctrl-C of a person who has waited
      // gives up. The guests of such a run are orphans; the next run or `labctl gc` ends them.
      if (byte == SIGINT && Clock::now() - *first > std::chrono::seconds(1)) ::_exit(130);
    }
  });
}

Interrupt::~Interrupt() {
  for (std::size_t i = 0; i < std::size(numbers); ++i) ::sigaction(numbers[i], &before[i], nullptr);
  const char byte = 0;
  [[maybe_unused]] ssize_t put = ::write(pipe_ends[1], &byte, 1);
}

}  // namespace labctl::host
