// Stops of Windows in what people copy out of their tools: the event viewer and PowerShell in any of their
// forms and languages, a debugger's analysis, lists of dumps. The numbers are the same everywhere. Internal
// to the room.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"
#include "labctl/crash/forms/form.h"
#include "labctl/crash/windows/stop_words.h"

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
    std::array<std::uint64_t, 4> parameters{};
    std::string driver;
    Named named = Named::nowhere;
    bool doubtful = false;  // a heading, and nothing of an analysis behind it
    std::string excerpt;
    Origin origin;
    std::uint64_t last = 0;
    std::optional<Origin>
        again;  // where its code stands once more, behind its driver: perhaps of another dump
  };

  void code(const StopWords& words, std::string_view text, Origin origin, const Tell& tell);
  void driver(const StopWords& words, std::string_view text, Origin origin, const Tell& tell);
  void parameters(const StopWords& words, std::string_view text, Origin origin);
  void range(const StopWords::Range& range, Origin origin);
  void event(const StopWords& words, std::string_view text, Origin origin);
  void tell_stop(const Tell& tell);
  void tell_unclean(const Tell& tell);

  std::optional<Stop> stop_;
  std::string early_driver_;  // named before the code
  Named early_named_ = Named::nowhere;
  std::uint64_t early_line_ = 0;
  std::vector<StopWords::Range> ranges_;  // of a debugger's list of modules
  std::uint64_t range_line_ = 0;          // of the last of them
  std::uint64_t power_line_ = 0;          // of an event of Kernel-Power, 0 for none
  std::uint64_t id_line_ = 0;             // of an event's number 41
  std::uint64_t log_line_ = 0;            // of an event of EventLog
  std::uint64_t blue_line_ = 0;           // of an error report of a stop
  bool power_source_ = false;             // the last source named: of a whole table
  bool log_source_ = false;
  std::optional<Stop> unclean_;  // an unclean shutdown, unless a stop's code follows
};

}  // namespace labctl::crash
