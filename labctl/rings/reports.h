// reports.jsonl: what machines of the field say of themselves, a line for each machine and period. Hostile
// input: whoever sends it may be wrong or lying; reading is strict and bounded, and whether a line counts is
// decided elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::rings {

inline constexpr std::size_t largest_reports = 512u << 20;

struct Crash {
  std::string title;    // as `labctl scan` names it
  std::string module;   // empty: not known
  std::int64_t at = 0;  // seconds since 1970; 0: not known
};

struct Report {
  std::string ring, machine;    // the machine's id is opaque
  std::string driver, content;  // SHA-256; empty: it has none, or it was not looked at
  std::int64_t from = 0, to = 0;
  std::int64_t boots = 0;
  std::vector<Crash> crashes;
};

struct Reports {
  std::vector<Report> all;      // complete only when there is no mistake
  std::vector<Error> mistakes;  // input's, with file:line; at most 20
};

// A line that cannot be read is a mistake and never skipped: it may be the one with the crash. A last line
// without its end is one that is still being written, and a mistake too.
Reports read_reports(std::string_view text, const std::string& name);

}  // namespace labctl::rings
