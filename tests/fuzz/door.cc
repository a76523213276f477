// libFuzzer's way to one door (doors.h); which one is said when it is compiled.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/doors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto& door : labctl::fuzz::doors()) {
    if (std::strcmp(door.name, LABCTL_DOOR) != 0) continue;
    const std::string wrong = door.broken({reinterpret_cast<const char*>(data), size});
    if (wrong.empty()) return 0;
    std::fprintf(stderr, "fuzz_%s: %s\n", door.name, wrong.c_str());
    std::abort();
  }
  std::abort();
}
