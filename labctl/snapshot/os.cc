#include "labctl/snapshot/os.h"

namespace labctl::snapshot {

scenario::Os os_of(const image::Image& image) {
  return image.os == "windows" ? scenario::Os::windows : scenario::Os::linux_;
}

machine::Platform platform_of(scenario::Os os) {
  return guest::system_of(os).traits().hyperv_platform ? machine::Platform::hyperv
                                                       : machine::Platform::generic;
}

}  // namespace labctl::snapshot
