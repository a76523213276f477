// Where the halves meet: one cell's machine, watchers and journal around the pure state machine of cell/.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "labctl/cell/cell.h"
#include "labctl/crash/crash.h"
#include "labctl/lab/ground.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/verdict.h"

namespace labctl::lab {

struct CellJob {
  plan::Cell cell;
  std::optional<guest::Crash> canary = {};  // killed on purpose in this way, instead of living its story
  Ground ground;
  std::filesystem::path payload;             // the CD; empty in a control
  std::map<std::string, std::string> files;  // what was put on it: name -> sha256
  std::vector<crash::Signature> signatures;  // the author's own
  std::filesystem::path folder;              // cells/<id> of the bundle
  std::filesystem::path disk;                // the cell's own copy of the snapshot, made and removed here
};

// For people; no decision is taken from it.
struct Progress {
  std::string cell;
  std::string where;  // "boot 2/3: settle"
  Millis elapsed{0};
  std::string last_line;  // of the console, printable
  bool ended = false;
  verdict::Outcome outcome;
};
using Watch = std::function<void(const Progress&)>;  // called on the cell's thread

// Runs the cell to its end. Always gives an outcome; what the lab could not do is lab-failed. The journal in
// folder/events.jsonl gives the same outcome again: the state machine is fed with what was written there.
verdict::Outcome run_cell(const CellJob& job, machine::Host& host, const Watch& watch,
                          const std::stop_token& stop);

}  // namespace labctl::lab
