// Which signals end a run.
#include "labctl/host/interrupt.h"

#include <signal.h>

#include <chrono>

#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

// Whether the signal asked a run to stop, while it was handled so before.
bool stops(int number, void (*handler)(int)) {
  ::signal(number, handler);
  bool stopped = false;
  {
    host::Interrupt interrupt([] {});
    ::raise(number);
    for (int i = 0; i < 50 && !stopped; ++i, std::this_thread::sleep_for(10ms))
      stopped = interrupt.token().stop_requested();
  }
  CHECK(::signal(number, SIG_DFL) == handler);  // as it was
  return stopped;
}

}  // namespace

TEST_CASE("a signal ends a run politely, but a hangup that nohup has ignored") {
  CHECK(stops(SIGTERM, SIG_DFL));
  CHECK(stops(SIGHUP, SIG_DFL));
  CHECK_FALSE(stops(SIGHUP, SIG_IGN));
  CHECK(stops(SIGINT, SIG_IGN));  // a script's background job is stopped by 'kill -INT' all the same
}
