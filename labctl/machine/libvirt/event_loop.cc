#include "labctl/machine/libvirt/event_loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include <thread>

#include "labctl/machine/libvirt/handles.h"

namespace labctl::machine {
namespace {

void run_for_ever() {
  pthread_setname_np(pthread_self(), "libvirt events");
  // A failing iteration is not the end of the world, but a loop that fails at once must not eat a core.
  for (;;) {
    if (virEventRunDefaultImpl() < 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

Status start() {
  // libvirt prints to stderr unless told otherwise: its log, and every error besides. Ours travel as Results.
  setenv("LIBVIRT_LOG_OUTPUTS", "4:file:/dev/null", 0);
  virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
  if (virInitialize() < 0) return libvirt_error("libvirt cannot start");
  if (virEventRegisterDefaultImpl() < 0) return libvirt_error("libvirt's event loop cannot start");
  // Signals belong to the caller's threads: this one, and every thread libvirt makes from it, takes none.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(run_for_ever).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return {};
}

}  // namespace

Status start_event_loop() {
  static const Status started = start();
  return started;
}

}  // namespace labctl::machine
