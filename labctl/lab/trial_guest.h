// One guest that is put back to the same moment again and again and given another content each time: quick,
// with what tells a crash and nothing else. No journal is kept and nothing is proved by it; what it finds is
// for a cell to show.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "labctl/base/queue.h"
#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/crash/crash.h"
#include "labctl/machine/machine.h"
#include "labctl/plan/plan.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::lab {

struct TrialSetup {
  snapshot::BaseSnapshot base;  // its disk holds the moment, for machine::From::before
  scenario::Guest guest;        // how content is applied, and what makes the driver use it
  std::vector<crash::Signature> signatures = {};
  std::filesystem::path work = {};  // for disks
};

// One command's end.
struct TrialAnswer {
  int exit_code = 0;
  std::string output;
};

struct TrialSeen {
  std::vector<TrialAnswer> answers;      // of apply, then of each exercise; fewer when it did not get there
  std::vector<crash::Finding> findings;  // that count, each title once
  std::string ended;                     // why it was not asked to the end: "the kernel panicked"
  std::string console;                   // the end of what was said meanwhile
  Millis took{0};

  // Of the first fatal finding, else of any, else how it ended; empty: the guest is well.
  std::string title() const;
};

class TrialGuest {
 public:
  TrialGuest(machine::Host& host, TrialSetup setup, std::stop_token stop);
  ~TrialGuest();

  // Gives it content that is known to be good, so that what all trials read is in its memory, and saves that
  // moment anew: all trials begin there. What it shows then is not counted in them. Errors (input): it does
  // not take that content, or dies of it; (lab) it cannot be started or saved.
  Result<TrialSeen> begin(const std::string& good);

  // `reboot`: it is restarted behind its exercise, and exercised once more. Errors are the lab's.
  Result<TrialSeen> live(const std::string& content, bool reboot = false);

  int starts() const { return starts_; }  // hypervisors so far; all other trials were put back in one

 private:
  struct Script;
  Status start();
  Status put_back();
  Status deliver(const std::string& content, TrialSeen& seen);
  void ask_all(const std::string& script, std::size_t answers, TrialSeen& seen);
  void restart(TrialSeen& seen);
  Result<std::string> ask(const std::string& command, Millis limit, TrialSeen& seen);
  void listen(Millis patience, TrialSeen& seen);
  void on_sign(machine::Notification& sign, TrialSeen& seen);
  void add(std::vector<crash::Finding> findings, TrialSeen& seen);
  bool well(const TrialSeen& seen) const { return seen.ended.empty() && !stop_.stop_requested(); }

  machine::Host& host_;
  TrialSetup setup_;
  std::stop_token stop_;
  std::string mark_;  // stands before each answer's end; nobody can guess it
  Queue<machine::Notification> signs_;
  std::unique_ptr<crash::Scanner> scanner_;
  std::unique_ptr<machine::Machine> machine_;
  std::filesystem::path disk_;
  std::vector<std::string> usual_;  // titles of what the good content shows
  std::string taint_;               // before any trial
  Millis limit_{120'000};           // of one trial's commands; a multiple of the good content's once known
  bool restarts_ = false;           // a reset is wanted
  int starts_ = 0, resets_ = 0;
};

}  // namespace labctl::lab
