// The smallest cause of a cell's crash: which version of driver and content it takes, and which records of
// the content, proved by running the cell with others.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "labctl/gate/environment.h"
#include "labctl/scenario/scenario.h"
#include "labctl/search/search.h"

namespace labctl::gate {

struct BisectOrder {
  std::filesystem::path bundle;
  std::string cell;             // one that failed: its id, or a pattern that only one matches
  std::string scenario;         // whose commands take the content apart; empty: the run's own, on this host
  std::string driver, content;  // earlier versions; empty: the scenario's
  std::vector<std::filesystem::path> artifacts;    // files and folders to look for the candidates in
  std::vector<std::filesystem::path> debug_files;  // modules with their debug information
  double sure = 0.95;
  bool replay = false;        // each probe runs the story from its beginning
  std::filesystem::path out;  // where the probes' records go; empty: they are looked at and thrown away
  HostOrder host;
  // Whether a scenario that nobody named on the command line may run these commands on this host. None: it
  // may not.
  std::function<bool(const scenario::Split& commands, const std::string& file)> agrees = {};
};

struct BisectFindings {
  std::string bundle, cell, title;  // title: of the crash, or how the cell ended
  double level = 0.95;
  search::Tally candidate;               // as it was
  std::string old_driver, old_content;   // files that were tried instead; empty: there was none
  std::optional<search::Square> square;  // only when there were both
  std::string set;                       // the candidate's content of several files; what differs from the
  std::vector<std::string> files;        // earlier one's by name, and how:
  std::vector<std::string> ways;         // "changed", "added" or "removed"
  std::optional<search::Answer> among;   // which of them it takes
  std::string content;                   // the candidate's, or its one file that it takes, whose records are:
  std::vector<std::string> records;
  std::optional<search::Answer> inside;
  std::vector<std::string> frames;  // "sensor_equal+0x12 at sensor.c:210"
  std::vector<std::string> notes;   // why something was not looked into
  int runs = 0;

  // Something is named, and as surely as was wished.
  bool sure() const;
};

// Errors (input): no such cell, it did not fail, its bytes are missing or differ; (lab) a run that failed to
// the last.
Answer<BisectFindings> bisect(const BisectOrder& order, const Environment& environment, Observer& observer);

}  // namespace labctl::gate
