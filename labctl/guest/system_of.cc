// The systems that there are.
#include "labctl/guest/guest.h"
#include "labctl/guest/linux.h"
#include "labctl/guest/windows.h"

namespace labctl::guest {

const System& system_of(scenario::Os os) {
  static const Linux a_linux;
  static const Windows a_windows;
  if (os == scenario::Os::windows) return a_windows;
  return a_linux;
}

}  // namespace labctl::guest
