// A recorded cell again, from the same snapshot, with the same bytes and steps: held where somebody takes the
// guest over, or many times over to know how often it fails.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/cell/repro_rate.h"
#include "labctl/gate/environment.h"
#include "labctl/lab/run_cell.h"

namespace labctl::gate {

struct ReproduceOrder {
  std::filesystem::path bundle;
  std::string cell;                              // its id, or a pattern that only one matches
  std::string until;                             // a step; empty: before the one in which the cell failed
  bool before_crash = false;                     // as near as can be
  bool anyway = false;                           // although bytes differ
  bool replay = false;                           // although a machine is kept
  int times = 0;                                 // attempts; 0: once, for the debugger
  unsigned jobs = 0;                             // attempts at once; 0: as many as the host carries
  std::vector<std::filesystem::path> artifacts;  // files and folders to look for the candidates in
  bool vnc = false;
  bool discard = false;       // with `times`: the machine they began at is not kept
  std::filesystem::path out;  // where the records go; empty: they are thrown away
  HostOrder host;
};

// The moment that is brought back, before its guest is started.
struct Moment {
  std::string step;                 // what comes next
  bool live = false;                // whether the running state can be saved
  std::string kept_since;           // of the machine that it begins at, in UTC; empty: the steps are replayed
  std::optional<Millis> took_then;  // in the run, until the same moment
};

// Who takes the guest over. Called on the cell's thread.
class Debugger {
 public:
  virtual ~Debugger() = default;
  virtual lab::DebugSession& begin(const Moment& moment) = 0;
  virtual bool held() const = 0;     // nothing more is reported of the way once it was
  virtual bool keeps() = 0;          // the machine, for the next attempt
  virtual bool discards_kept() = 0;  // the machine that was kept before
};

struct ReproduceResult {
  std::vector<std::string> differences;  // from the run; a sentence each, only with `anyway`
  outcome::Outcome outcome;              // of the guest that the debugger had
  std::optional<cell::ReproRate> rate;   // with `times`
  bool interrupted = false;
};

// Errors: what is missing or differs, with a hint each; the cell cannot be brought to that moment.
// `debugger` is needed without `times`.
Answer<ReproduceResult> reproduce(const ReproduceOrder& order, const Environment& environment,
                                  Observer& observer, Debugger* debugger = nullptr);

}  // namespace labctl::gate
