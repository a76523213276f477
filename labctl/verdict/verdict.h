// May it be published? Outcomes of cells in, one verdict out. Knows nothing of how an outcome came about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/base/units.h"
#include "labctl/crash/crash.h"
#include "labctl/plan/plan.h"
#include "labctl/verdict/rules.h"

namespace labctl::verdict {

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

bool guests_fault(Ending ending);
const char* to_string(Ending ending);

// What a finding of this kind makes of its cell.
Ending ending_for(crash::Kind kind);

// A finding with its place in the cell's life.
struct Seen {
  crash::Finding finding;
  std::string channel;        // of the first that told it
  int boot = 0;               // 0 is the life before the first reboot
  bool candidate_in = false;  // something of the candidate's had been run by then
  // One crash of Windows is told on several channels and is one finding: those that told it besides, and
  // those that should have and did not.
  std::vector<std::string> also = {}, silent = {};
  std::string link = {};  // what ties a finding elsewhere to the candidate; empty: nothing but the time
};

// The record that an outcome was derived from: the head of its chain and its length.
struct Journal {
  std::string sha256;  // empty: there is none, or none that can be read
  std::uint64_t events = 0;
};

// Of a control that another run lived: when it passed, and in which run.
struct Kept {
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
  std::vector<Seen> findings;
  std::vector<std::string> logged = {};  // what its kernel logged as errors: titles, each once, bounded
  Millis took{0};
  Journal journal;
  std::vector<Attempt> attempts = {};  // those before it, the oldest of each kind first
  std::optional<Kept> kept = {};       // of a control; it supports a pass and blames nobody
  bool unheard = false;                // something the guest said is lost, and a crash may have been in it
  int rules = rules_now;               // of its journal (rules.h)
  bool expected = false;               // a negative test that fired; judge() says so and believes nobody else
  bool as_wanted() const { return ending == Ending::passed || expected; }
};

// What the clones of one image on one machine showed when they were killed on purpose, before its cells ran.
struct CanaryDeath {
  std::string crash;               // "panic", "hang" ...
  std::vector<std::string> due;    // channels that must report it
  std::vector<std::string> spoke;  // channels that did
  std::string title;               // of the first finding, empty when there was none
  std::string reason;              // why it proves nothing, empty when it does
  bool proved() const { return reason.empty(); }
};
struct Canary {
  std::string image;
  std::string machine = {};  // its label in the scenario, if it has one
  std::string made = {};     // when, in UTC; earlier than the run when it was still believed
  std::vector<CanaryDeath> deaths = {};
  std::string refused = {};  // why the run may not stand on these records, whatever they show
  std::string name() const { return machine.empty() ? image : image + " on machine " + machine; }
  bool proved() const;
  std::string reason() const;  // why its channels are not proved, empty when they are
};

enum class Decision { passed, blocked, no_verdict };

enum class WaiverState { used, unused, expired };
struct WaiverUse {
  scenario::Acceptance waiver;
  WaiverState state = WaiverState::unused;
};

// What passed only because the scenario asks for less than labctl does by itself.
inline constexpr const char* warnings_option = "policy.warnings";
inline constexpr const char* unproved_option = "content.unproved";
struct Weakness {
  std::string option;              // of the scenario
  std::string title;               // of the finding that it let pass; why content is unproved
  std::vector<std::string> cells;  // in the plan's order, controls too
};

// What the candidate's cells log as an error and no control does.
struct NewError {
  std::string title;
  std::vector<std::string> cells;  // in the plan's order
};

struct Verdict {
  Decision decision = Decision::no_verdict;
  std::vector<std::string> reasons;  // never empty unless passed
  std::vector<Outcome> cells;        // in the plan's order; lab-failed where a control did not pass
  std::vector<Canary> canaries;
  std::vector<std::string> wants_afresh;  // kept controls that must be lived before somebody is blamed
  std::vector<WaiverUse> waivers;
  bool waived = false;  // passed, and would not have without a waiver
  std::vector<Weakness> weaker;
  std::vector<NewError> new_errors;  // listed; they block only where the scenario says so
  bool warned() const { return decision == Decision::passed && (waived || !weaker.empty()); }
  bool nothing_ran = false;
  bool interrupted = false;

  int exit_code() const;  // 0 passed, 1 blocked, 3 no verdict, 4 nothing ran, 130 interrupted
};

// Passed needs a positive proof: every cell of the plan has exactly one outcome, every outcome is passed with
// as many boots proved as wanted, more than none and no finding that blocks, or is the crash that the
// scenario expects there; on every image and machine where a candidate appears, a cell that passed has booted
// with all candidates together; every image has a control that passed too (a kept one does, where no guest
// failed) and a canary that every channel reported, and no cell was left out of the plan. `run_faults` are
// complaints about the run as a whole (an artefact that changed meanwhile); any of them excludes passed.
Verdict judge(const plan::Plan& plan, const std::vector<Outcome>& outcomes,
              const std::vector<Canary>& canaries, const std::vector<std::string>& run_faults = {});

const char* to_string(Decision decision);
const char* to_string(WaiverState state);

// verdict.json, format version 1.
Json to_json(const Verdict& verdict, const plan::Plan& plan);

}  // namespace labctl::verdict
