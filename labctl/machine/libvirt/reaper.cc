#include "labctl/machine/libvirt/reaper.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>

#include "labctl/machine/processes.h"

namespace labctl::machine {
namespace {

// Programs that run() started are in our session and are reaped there, even when they are QEMUs.
bool is_detached_qemu(pid_t pid) {
  return getsid(pid) != getsid(0) &&
         kernel_file("/proc/" + std::to_string(pid) + "/comm").starts_with("qemu-system");
}

void reap_for_ever() {
  using std::chrono::milliseconds;
  pthread_setname_np(pthread_self(), "reaper");
  for (;;) {
    siginfo_t ended{};
    // WNOWAIT looks without taking: most children are somebody else's to wait for.
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) {
      std::this_thread::sleep_for(milliseconds(errno == ECHILD ? 200 : 20));  // no child at all
    } else if (is_detached_qemu(ended.si_pid)) {
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
