// Where in which modules a crash report says that it was, exactly: what a debug file turns into lines of
// source. Of text that anybody may have written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace labctl::crash {

// "sensor_equal+0x39/0x60 [sensor]"; of Windows "sensor.sys+0x10f2"
struct ModuleFrame {
  std::string function;                // as the kernel prints it: "sensor_load.part.0"; empty of Windows
  std::uint64_t offset = 0, size = 0;  // in the function, and the function's; of Windows in the driver, and 0
  std::string module;
  bool exact = false;  // the instruction itself; else where a call returns to
  bool operator==(const ModuleFrame&) const = default;
  std::string text() const;
};

// A line of a report's trace. `function` and `module` as they are printed, `module` empty for the kernel's
// own; an inlined function, which only a symbolised log names, has no offset.
struct CallFrame {
  std::string function;
  std::string module;
  std::uint64_t offset = 0;
  bool inlined = false;
  bool operator==(const CallFrame&) const = default;
};

// Those of a Linux report, the instruction that it is about first, at most 64; none that the kernel doubts.
std::vector<CallFrame> call_frames(std::string_view report);

// Those of a report in modules or drivers, in its order and each once, at most 32; none that the kernel
// doubts.
std::vector<ModuleFrame> module_frames(std::string_view report);

}  // namespace labctl::crash
