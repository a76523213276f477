// One line of what Windows' tools print of a stop, read by its numbers and file names, which are the same in
// every language. Internal to the room.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace labctl::crash {

// How a driver came to be named, the surest last.
enum class Named : std::uint8_t { nowhere, by_address, in_bucket, as_module, as_file };

struct StopWords {
  std::optional<std::uint64_t> code;  // 0: an event that tells of no stop
  bool code_before = false;           // it counts only behind a line that says that a stop is meant
  bool listed = false;                // in a row of a table
  bool name_alone = false;            // it may stand in a text about stops
  std::string driver;                 // its file, in small letters
  Named named = Named::nowhere;
  std::array<std::optional<std::uint64_t>, 4> parameters;

  // A module of a debugger's list: its file, and where it lies.
  struct Range {
    std::string file;
    std::uint64_t from = 0, to = 0;
  };
  std::optional<Range> range;

  bool blue_screen = false;  // a report of the kind BlueScreen: its code stands in another line
  bool power = false;        // the source Kernel-Power
  bool event_log = false;    // the source EventLog
  bool source = false;       // a line that says where an event comes from
  bool id41 = false, id6008 = false;
  bool number41 = false, number6008 = false;  // beside a word of any language

  bool parameter() const { return parameters[0] || parameters[1] || parameters[2] || parameters[3]; }
};

// Nothing when the line has nothing to say, as most have not.
std::optional<StopWords> read_stop_words(std::string_view line);

}  // namespace labctl::crash
