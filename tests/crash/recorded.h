// Console logs with known answers, as files: a head with what must be found, an empty line, then the raw log.
//
//   TITLE: BUG: kernel NULL pointer dereference in sensor_match    one block for each finding, none for a
//   healthy log KIND: oops MODULE: sensor UNCONFIRMED: no body                                           only
//   when the finding must be unconfirmed
#pragma once

#include <string>
#include <vector>

#include "labctl/crash/crash.h"

namespace labctl::crash {

struct Expected {
  std::string title;
  std::string kind;
  std::string module;
  bool confirmed = true;
};

struct Recording {
  std::string name;
  std::vector<Expected> expected;
  std::string log;
};

// The logs of a folder, in the order of their names.
std::vector<Recording> read_recordings(const std::string& folder);

// Every recording of Linux there is.
const std::vector<Recording>& recordings();

// One line for each finding, for comparisons that a reader can read.
std::string told(const std::vector<Finding>& findings);
std::string told(const std::vector<Expected>& expected);

// The log in pieces of the given sizes, over and over, and a flush at the end.
std::vector<Finding> scan_in_pieces(const std::string& log, const std::vector<std::size_t>& sizes,
                                    std::optional<Os> os = {});

}  // namespace labctl::crash
