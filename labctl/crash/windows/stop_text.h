// Stops of Windows in what people copy out of their tools: the event viewer and PowerShell in any of their
// forms and languages, a debugger's analysis, lists of dumps. The numbers are the same everywhere. Internal
// to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {

class StopText {
 public:
  // `last`: the last line that it was read from.
  using Tell = std::function<void(Finding finding, std::uint64_t last)>;

  void line(std::string_view text, Origin origin, const Tell& tell);
  void finish(const Tell& tell);

 private:
  // What one tool says of one stop, on several lines.
  struct Stop {
    std::uint64_t code = 0;
    std::string driver;
    std::string excerpt;
    Origin origin;
    std::uint64_t last = 0;
  };

  void code(std::uint64_t value, std::string_view text, Origin origin, const Tell& tell);
  void driver(std::string_view file, std::uint64_t line);
  void event(std::string_view text, Origin origin);
  void tell_stop(const Tell& tell);
  void tell_unclean(const Tell& tell);

  std::optional<Stop> stop_;
  std::string early_driver_;  // named before the code
  std::uint64_t early_line_ = 0;
  std::uint64_t power_line_ = 0;  // of an event of Kernel-Power, 0 for none
  std::uint64_t id_line_ = 0;     // of an event's number 41
  std::optional<Stop> unclean_;   // an unclean shutdown, unless a stop's code follows
};

}  // namespace labctl::crash
