// What a Windows image showed when it was taken through every channel and kind of driver: what holds of
// labctl's assumptions on this build, and what does not. No verdict, and nothing rests on it.
#pragma once

#include <string>
#include <vector>

#include "labctl/event/channel.h"
#include "labctl/outcome/canary.h"
#include "labctl/outcome/outcome.h"

namespace labctl::outcome {

// One thing that was assumed.
struct Claim {
  enum class State { proved, differs, not_seen };
  State state = State::not_seen;
  std::string what;          // "an NMI stops Windows"
  std::string assumed = {};  // one of these, for people
  std::string seen = {};     // a guest's word, or why nothing was
  std::string fixture = {};  // the file with the raw bytes, below the folder of the proof
};

// A driver that was taken into the guest in one way.
struct TriedDriver {
  std::string way;                     // "service", "inf" ...
  std::string file = {};               // empty: none was given for it
  bool should_crash = false;           // it was given as one that does
  std::string bundle = {};             // the run's, below the folder of the proof
  std::string problem = {};            // why there is no outcome
  std::vector<Outcome> outcomes = {};  // of the candidate's cell; of no control
  bool as_assumed() const;
};

struct WindowsProof {
  std::string image, sha256;  // of its disk
  std::string made;           // in UTC
  std::string tool, hypervisor, accel;
  bool stand_in = false;   // the image says of itself that it is test equipment and no Windows
  std::string build = {};  // as the guest says it
  Canary canary = {};
  std::vector<Claim> claims = {};
  std::vector<TriedDriver> drivers = {};
  std::vector<std::string> fixtures = {};  // below the folder of the proof
  // Whether nothing was seen to differ. What was not seen or tried is neither.
  bool as_assumed() const;
};

}  // namespace labctl::outcome
