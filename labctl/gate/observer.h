// What goes on while the gate is at work, as values for its observers: the terminal, the diagnostic
// log, a test. No decision is taken from any of it.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/lab/run_cell.h"
#include "labctl/machine/machine.h"
#include "labctl/outcome/canary.h"
#include "labctl/outcome/outcome.h"

namespace labctl::gate {

// ---- what has a beginning and an end; an end comes also when it failed ----
struct HostBegan {
  std::string uri;
};
struct HostEnded {
  Result<machine::HostFacts> facts;
};
struct RunBegan {
  std::size_t cells = 0;
  unsigned at_once = 0;
  std::string why;  // so many at once
};
struct RunEnded {
  std::filesystem::path bundle;  // empty: it ended before it had one
  std::string verdict;           // what it says in one line; else why there is none
  bool interrupted = false;
};
struct SnapshotBegan {
  std::string image;
  machine::Shape shape;
};
struct SnapshotEnded {
  std::string image;
  machine::Shape shape;
  Status status;
};
struct CanariesBegan {
  std::vector<std::string> images;  // with their machines
};
struct CanariesEnded {
  std::vector<outcome::Canary> canaries;
};
struct CellsBegan {
  std::vector<std::string> cells;
  struct Ahead {
    int boots = 0;
    Millis boot{0};  // how long one takes, from what was measured on this host; 0: not known
  };
  std::vector<Ahead> ahead = {};  // of each cell
  unsigned at_once = 1;
};
struct CellMoved {
  lab::Progress progress;  // `where` changed, or some time has passed
};
struct CellEnded {
  lab::Progress progress;
};
struct CellsEnded {};
struct AttemptsBegan {
  int times = 0;
  std::string step;  // they begin before it
  unsigned at_once = 0;
};
struct AttemptEnded {
  int number = 0, times = 0;
  outcome::Outcome outcome;
};
struct ProbeEnded {
  int number = 0;
  std::string what;  // which driver and content
  bool same = false;
  bool restored = false;  // from a checkpoint; else from the beginning
  Millis took{0};
  outcome::Outcome outcome;
};
struct ImagesBegan {
  std::size_t missing = 0, all = 0;
  unsigned at_once = 0;
};
struct ImageBegan {
  std::string name;
};
struct ImageEnded {
  std::string name;
  Result<image::Image> image;
};

// ---- what happens in between ----
struct BundleOpened {
  std::filesystem::path folder;
};
struct RunResumed {
  int kept = 0, cut_off = 0;  // cells
};
struct ControlReused {
  std::string cell;
};
struct ControlsRerun {
  std::size_t count = 0;
};
struct CleanedUp {
  std::string what;
};
struct Said {
  std::string text;  // progress of a part that is no cell, in one line
};
struct Note {
  std::string text;  // a person should know it
};
struct Warning {
  std::string text, fix;
};
struct Problem {
  Error error;  // what went wrong without ending the whole
};

using Event =
    std::variant<HostBegan, HostEnded, RunBegan, RunEnded, SnapshotBegan, SnapshotEnded, CanariesBegan,
                 CanariesEnded, CellsBegan, CellMoved, CellEnded, CellsEnded, AttemptsBegan, AttemptEnded,
                 ProbeEnded, ImagesBegan, ImageBegan, ImageEnded, BundleOpened, RunResumed, ControlReused,
                 ControlsRerun, CleanedUp, Said, Note, Warning, Problem>;

// Called from many threads, one call at a time where it stands behind Observers.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on(const Event& event) = 0;
};

// Several observers as one; none is called while another one is.
class Observers final : public Observer {
 public:
  explicit Observers(std::vector<Observer*> all) : all_(std::move(all)) {}
  void on(const Event& event) override;

 private:
  std::vector<Observer*> all_;
  std::mutex mutex_;
};

// One sentence for people, without a full stop. Empty where there is nothing to say: how a cell moves is
// shown by its Progress.
std::string describe(const Event& event);

}  // namespace labctl::gate
