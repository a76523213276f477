// rings.yaml: which machines get a release after which, and what must be known before the next ring opens. A
// value; which machine is in which ring, and delivery, are other tools' business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/yaml/mark.h"

namespace labctl::rings {

// Crashes per machine-day: what is fine, what is bad, and how sure the decision must be (0.95: it is wrong in
// at most 5 of 100 rollouts at each of the two rates).
struct CrashRate {
  double fine = 0, bad = 0, sure = 0.95;
  bool operator==(const CrashRate&) const = default;
};

// Shares are between 0 and 1.
struct Ring {
  std::string name;
  std::optional<int> machines;        // so many must report before the next ring opens
  std::optional<int> at_most;         // and if more do, the reports are not about this ring
  Millis soak{0};                     // since the ring opened
  std::optional<int> halt_crashes;    // so many crashes halt
  std::optional<double> halt_silent;  // a larger share of silent machines halts
  double wait_silent = 0;             // a larger share of them waits
  Millis silent_after{86'400'000};    // a machine that has not reported for so long is silent
  std::optional<CrashRate> crash_rate;
};

// What `labctl verify` is to ask of the gate's attestation.
struct Gate {
  std::string scenario;  // relative to rings.yaml
  yaml::Mark scenario_mark;
  std::optional<Millis> max_age;
  std::vector<std::string> require;
  int min_boots = 0;
  std::map<std::string, std::string> set;  // the scenario's variables, with which it must have been run
  bool allow_waived = false, allow_warnings = false, allow_unproved = false;
};

struct Plan {
  Gate gate;
  Millis valid{21'600'000};  // a promotion's life
  std::vector<Ring> rings;   // in the order in which they open

  std::optional<std::size_t> find(std::string_view name) const;
  std::string names() const;  // "internal, early, broad"
};

struct Loaded {
  Plan plan;                    // complete only when there is no mistake
  std::vector<Error> mistakes;  // in the order of the file
};

// `name` is how errors call the file.
Loaded load_plan(std::string_view yaml, const std::string& name);

}  // namespace labctl::rings
