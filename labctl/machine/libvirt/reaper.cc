#include "labctl/machine/libvirt/reaper.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace labctl::machine {
namespace {

// What libvirt detached is in the session of a middleman, whom libvirt waits for itself; programs that run()
// started are in ours. /proc is not asked: in a container it may number processes otherwise than waitid does.
bool is_detached(pid_t pid) {
  const pid_t session = getsid(pid);
  return session != getsid(0) && session != pid;
}

void reap_for_ever() {
  using std::chrono::milliseconds;
  pthread_setname_np(pthread_self(), "reaper");
  for (;;) {
    siginfo_t ended{};
    // WNOWAIT looks without taking: most children are somebody else's to wait for.
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) {
      std::this_thread::sleep_for(milliseconds(errno == ECHILD ? 200 : 20));  // no child at all
    } else if (is_detached(ended.si_pid)) {
      waitpid(ended.si_pid, nullptr, WNOHANG);
    } else {
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
}

bool start() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return false;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(reap_for_ever).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return true;
}

}  // namespace

void adopt_detached_qemus() {
  static const bool started = start();
  static_cast<void>(started);
}

}  // namespace labctl::machine
