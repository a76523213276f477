#include "labctl/machine/libvirt/reaper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace labctl::machine;

TEST_CASE("a middleman's end is left for who waits for it, though the host is busy") {
  const pid_t lab = ::fork();  // what has adopted once reaps for ever
  if (lab == 0) {
    adopt_detached_qemus();
    const pid_t middleman = ::fork();
    if (middleman == 0) {
      ::setsid();
      ::_exit(0);
    }
    ::usleep(1'500'000);
    ::_exit(::waitpid(middleman, nullptr, 0) == middleman ? 0 : 1);
  }
  int status = 1;
  ::waitpid(lab, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("what was detached is reaped as it ends") {
  const pid_t lab = ::fork();
  if (lab == 0) {
    adopt_detached_qemus();
    int told[2];
    if (::pipe(told) != 0) ::_exit(2);
    const pid_t middleman = ::fork();
    if (middleman == 0) {
      ::setsid();
      const pid_t detached = ::fork();
      if (detached == 0) ::_exit(0);
      ::_exit(::write(told[1], &detached, sizeof detached) == sizeof detached ? 0 : 1);
    }
    ::waitpid(middleman, nullptr, 0);
    pid_t detached = 0;
    if (::read(told[0], &detached, sizeof detached) != sizeof detached) ::_exit(3);
    for (int i = 0; i < 500; ++i) {  // until it is no zombie either
      if (::kill(detached, 0) != 0) ::_exit(0);
      ::usleep(10'000);
    }
    ::_exit(1);
  }
  int status = 1;
  ::waitpid(lab, &status, 0);
  CHECK(status == 0);
}
