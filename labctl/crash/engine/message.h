// From a raw line to the messages in it. Internal to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace labctl::crash {

struct Message {
  std::string_view text;    // behind every prefix, where a kernel's own words begin
  std::string_view stamp;   // "[   12.345678]", empty without one
  std::string_view caller;  // "T123" or "C0" when the kernel tells who speaks
  bool anchored = true;     // false for text that does not begin a message
  bool kernel = false;      // it had a kernel's timestamp or a log's "kernel: "
  bool journal = false;     // it came through a log daemon
  bool time_zero = false;   // timestamp 0.000000
  bool die_mark = false;    // holds "[#" and a digit
};

// Removes terminal control sequences and control characters. Returns `raw` itself when there are none, else a
// view of `store`.
std::string_view without_controls(std::string_view raw, std::string& store);

// One line may hold several messages: another processor can begin to print in the middle of it, and then its
// timestamp stands there. `mid_line`: the text is the continuation of an overlong line.
void split_messages(std::string_view line, bool mid_line, std::vector<Message>& out);

// A log's line of another program begins with `front`: "Jan  2 03:04:05 host program[55]: ", "host
// program[55]: ", a journal's record, "<13>1 2026-01-02T03:04:05Z host program 55 - - ". What stands behind
// it are that program's words, a kernel's timestamp too.
bool names_program(std::string_view front);

// Length of a kernel's timestamp "[   12.345678]" at the front, 0 when there is none.
std::size_t timestamp_length(std::string_view text);

// What it says, 0 without one.
double stamp_seconds(std::string_view stamp);

// The kernel's own word that lines are missing.
bool says_lost(std::string_view text);

}  // namespace labctl::crash
