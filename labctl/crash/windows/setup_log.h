// What Windows' setup log of devices and drivers (setupapi.dev.log) says of an installation that failed. Its
// words are English on every Windows. Internal to the room.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"
#include "labctl/crash/forms/form.h"

namespace labctl::crash {

class SetupLog {
 public:
  // `last`: the last line that it was read from.
  using Tell = std::function<void(Finding finding, std::uint64_t last)>;

  void line(std::string_view text, Origin origin, const Tell& tell);
  void finish(const Tell& tell);

 private:
  // ">>>  [Device Install (DiInstallDriver) - C:\pkg\sensor.inf]" and what follows, up to its exit status.
  struct Section {
    std::string package;  // the file of the INF, in small letters; empty when the section names none
    std::string excerpt;  // its heading and its errors
    bool failed = false;  // an error was reported
    Origin origin;
    std::uint64_t last = 0;
  };

  void end(const Tell& tell, std::string_view status);

  std::optional<Section> section_;
};

}  // namespace labctl::crash
