// What a run was given to read, with the text of that moment: in the record of a run, and in a split.
#pragma once

#include <map>
#include <string>

namespace labctl::outcome {

// A file that the run was given, with its text of that moment.
struct GivenText {
  std::string file;  // as it was named; empty: there was none
  std::string text;
};

struct ScenarioRecord {
  std::string file;  // as it was named
  std::string path;  // absolute; empty in records of before it was written
  std::string text;
  std::map<std::string, std::string> set;  // values of --set
  std::string only;                        // the pattern of --only; empty: all cells

  const std::string& location() const { return path.empty() ? file : path; }
};

}  // namespace labctl::outcome
