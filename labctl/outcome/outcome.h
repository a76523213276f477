// How one cell ended, and what was seen in it: the words that the cell, the verdict, the reports and the
// records share. An outcome is derived from the cell's journal and from nothing else. It is no verdict:
// whether the candidate may be published is decided of all of them together, in verdict/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/units.h"
#include "labctl/crash/crash.h"
#include "labctl/event/channel.h"
#include "labctl/outcome/rules.h"

namespace labctl::outcome {

// How one cell ended. The order is the precedence when several things went wrong at once: a crash wins over
// the silence that follows it and over a lab that failed at the same time.
enum class Ending {
  crashed,
  recovery,
  hung,
  altered,
  not_loaded,
  lab_failed,
  interrupted,
  not_run,
  passed,
};

bool is_guest_failure(Ending ending);
const char* to_string(Ending ending);
std::optional<Ending> ending_from(std::string_view name);  // as to_string() gives it

// What a finding of this kind makes of its cell.
Ending ending_for(crash::Kind kind);

// A finding, and when and where in the cell it was observed.
struct Observation {
  crash::Finding finding;
  event::Channel channel = event::Channel::console;  // the first that reported it
  int boot = 0;                                      // 0 is the life before the first reboot
  bool candidate_in = false;                         // something of the candidate's had been run by then
  // One crash of Windows is reported on several channels and is one finding: those that reported it besides,
  // and those that should have and did not.
  std::vector<event::Channel> also = {}, silent = {};
  std::string link = {};    // what ties a finding elsewhere to the candidate; empty: nothing but the time
  std::string taints = {};  // of a kernel taint that nothing explains: its letters
};

// The record that an outcome was derived from: the head of its chain and its length.
struct Journal {
  std::string sha256;  // empty: there is none, or none that can be read
  std::uint64_t events = 0;
};

// Of a control that was not run beside these cells: when it passed, in UTC, and in which run.
struct ReusedFrom {
  std::string made, run;
};

// An earlier attempt of a cell, which the lab failed or which was cut off; its records were put aside.
struct Attempt {
  std::string records;  // the name of their folder, beside the cell's
  Ending ending = Ending::lab_failed;
  std::string reason;
  int boots_proved = 0;
  Millis took{0};
  Journal journal;
};

struct Outcome {
  std::string cell;
  Ending ending = Ending::not_run;
  std::string reason;  // one sentence; empty when passed
  std::string step;    // where in the story it ended, for people
  int boots_wanted = 0;
  int boots_proved = 0;
  std::vector<Observation> findings;
  std::vector<std::string> logged = {};  // what its kernel logged as errors: titles, each once, bounded
  Millis took{0};
  Journal journal;
  std::vector<Attempt> attempts = {};   // those before it, the oldest of each kind first
  std::optional<ReusedFrom> kept = {};  // of a control; it supports a pass and accuses no candidate
  bool unheard = false;                 // something the guest said is lost, and a crash may have been in it
  int rules = rules_now;                // of its journal (rules.h)
  bool expected = false;                // a negative test that fired; only judge() decides it
  bool as_wanted() const { return ending == Ending::passed || expected; }
};

}  // namespace labctl::outcome
