// Where the halves meet: one cell's machine, watchers and journal around the pure state machine of cell/.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "labctl/cell/cell.h"
#include "labctl/crash/crash.h"
#include "labctl/host/limits.h"
#include "labctl/lab/staged_artifacts.h"
#include "labctl/machine/machine.h"
#include "labctl/outcome/outcome.h"
#include "labctl/plan/plan.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::lab {

// A place in a cell's life that can be come back to: the guest's state is in its disk, for From::before, and
// the state machine's is what this journal gives.
struct Checkpoint {
  std::string step;     // what comes next
  int left = 0;         // as event::Opened says where to hold
  std::string journal;  // until then, of a cell that holds here
};

// A guest in somebody's hands: where its cell holds, or when its story is over and it has not been ended yet.
struct Guest {
  machine::Machine& machine;
  std::string where;  // what comes next, or how the story ended
  bool over = false;
  // To be called a few times in a second: what the guest says is read meanwhile. False: there is nothing
  // left to stay for.
  std::function<bool()> pump;
  // Makes this what is come back to.
  std::function<Status()> save;
};

// Who takes a held guest over, a person or a script. Everything is called on the cell's thread.
class DebugSession {
 public:
  enum class Choice { go_on, next, leave };  // next: go on to the next operation
  virtual ~DebugSession() = default;
  virtual void heard(std::string_view console) = 0;
  virtual Choice take_over(const Guest& guest) = 0;
};

// How many guests of a run that failed may leave their memory behind, and how large a guest may be for that.
struct DumpPolicy {
  std::atomic<int> left{0};
  std::uint64_t largest = 4ull << 30;  // bytes of a guest's memory; its dump is smaller
};

struct CellJob {
  plan::Cell cell;
  std::optional<guest::Crash> canary = {};  // killed on purpose in this way, instead of living its story
  snapshot::BaseSnapshot base;
  std::filesystem::path payload;                                // the CD; empty in a control without updates
  std::map<std::string, std::string> files;                     // what was put on it: name -> sha256
  std::map<std::string, std::vector<std::string>> builds = {};  // of the drivers on it, as event::Opened says
  std::vector<crash::Signature> signatures;                     // the author's own
  std::filesystem::path folder;                                 // cells/<id> of the bundle
  std::filesystem::path disk;  // the cell's own copy of the snapshot, made and removed here
  bool vnc = false;
  DumpPolicy* dumps = nullptr;  // nobody's memory is kept without
  // How often this host has killed a process for want of memory; what grows while a guest lives explains its
  // hypervisor's death.
  std::function<std::uint64_t()> kills_for_memory = [] { return host::kills_for_memory(); };

  int rules = outcome::rules_now;           // of a reproduction, those of the life that it is to be like
  int hold = 0;                             // of a reproduction, as event::Opened says
  DebugSession* session = nullptr;          // takes the guest over where it holds; null: it goes on at once
  const Checkpoint* from = nullptr;         // begins there, with what is in base.disk
  const CellArtifacts* exchange = nullptr;  // delivered where it first holds, instead of what it began with
  bool keeps_checkpoints = false;           // saves itself before each step of its story
  // What becomes of the disk when it holds a checkpoint; the guest has ended. It is removed afterwards.
  std::function<void(const Checkpoint&, const outcome::Outcome&)> at_end = {};
};

// For people; no decision is taken from it.
struct Progress {
  std::string cell;
  std::string where;  // "boot 2/3: settle"
  Millis elapsed{0};
  std::string last_line;  // of the console, printable
  bool ended = false;
  outcome::Outcome outcome;  // until now
};
using Watch = std::function<void(const Progress&)>;  // called on the cell's thread

// Runs the cell to its end. Always gives an outcome; what the lab could not do is lab-failed. The journal in
// folder/events.jsonl gives the same outcome again: the state machine is fed with what was written there.
outcome::Outcome run_cell(const CellJob& job, machine::Host& host, const Watch& watch,
                          const std::stop_token& stop);

}  // namespace labctl::lab
