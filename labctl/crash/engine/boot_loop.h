// Firmware that begins again and again because what it starts comes to nothing. Internal to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "labctl/crash/crash.h"

namespace labctl::crash {

// A loop is the third start in a row with only the firmware's own words in between. A guest that keeps its
// console silent looks the same, so the finding is unconfirmed: it counts unless the guest proves to be
// alive.
class BootLoop {
 public:
  // The finding has no place yet: it is that of the line.
  std::optional<Finding> line(std::string_view text);
  void reset() { starts_ = 0; }  // a system has spoken
  bool counting() const { return starts_ != 0; }

 private:
  unsigned starts_ = 0;
  std::string option_;  // what the first of them started
};

// Whether the firmware starts something: whatever ran before is over.
bool is_firmware_start(std::string_view text);
inline bool may_be_firmware(std::string_view text) {
  return !text.empty() && (text.front() == 'B' || text.front() == 'S');
}

}  // namespace labctl::crash
