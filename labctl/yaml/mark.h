// A place in a file that a person wrote.
#pragma once

#include <string>

namespace labctl::yaml {

// Counted from 1; 0 where there is none. Kept beside what was read, for errors that are found later (a
// missing artifact).
struct Mark {
  int line = 0;
  int column = 0;
  bool operator==(const Mark&) const = default;
};

std::string at(const std::string& name, Mark mark);  // "file:line:col"

}  // namespace labctl::yaml
