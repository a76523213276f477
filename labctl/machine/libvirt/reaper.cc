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

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Programs that run() started are in our session and are waited for there. Whatever is in another one was
// detached. But a session's leader may be the middleman of a detachment, for whom libvirt is waiting at this
// very moment, and fails the guest's start if it comes too late: he is taken only when nobody has come for
// him for so long that a busy host is no reason. (QEMU, told to daemonize, leaves such a leader that nobody
// waits for; only libvirt's probes of a new QEMU are, and wait for this.) /proc is not asked: in a
// container it may number processes otherwise than waitid does.
class Reaping {
 public:
  bool take(pid_t pid) {
    const pid_t session = getsid(pid);
    if (session == getsid(0)) return false;
    if (session != pid) return true;
    if (pid != leader_) {
      leader_ = pid;
      seen_ = steady_clock::now();
    }
    return steady_clock::now() - seen_ > patience;
  }

 private:
  static constexpr std::chrono::seconds patience{5};
  pid_t leader_ = 0;
  steady_clock::time_point seen_;
};

void reap_for_ever() {
  pthread_setname_np(pthread_self(), "reaper");
  Reaping reaping;
  for (;;) {
    siginfo_t ended{};
    // WNOWAIT looks without taking: most children are somebody else's to wait for.
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) {
      std::this_thread::sleep_for(milliseconds(errno == ECHILD ? 200 : 20));  // no child at all
    } else if (reaping.take(ended.si_pid)) {
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
