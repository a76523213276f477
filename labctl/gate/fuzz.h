// A hunt for content that the driver of a cell does not survive: thousands of variants, each from the moment
// behind "driver installed, content applied once". It finds crashes and proves nothing by finding none; it is
// never a condition of a verdict.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/gate/environment.h"
#include "labctl/gate/fuzz_folder.h"
#include "labctl/plan/plan.h"
#include "labctl/scenario/scenario.h"

namespace labctl::gate {

struct FuzzOrder {
  plan::Plan plan;                              // of the user's own scenario
  std::string scenario;                         // its file
  std::string cell;                             // a pattern; empty: its first with a candidate and content
  std::optional<scenario::Split> split;         // commands that take content apart
  std::string mutate;                           // a command that makes a variant; empty: none
  std::filesystem::path corpus;                 // a FuzzFolder
  std::vector<std::filesystem::path> contents;  // others that are known, for splices
  Millis budget{0};                             // 0: without an end
  long long count = 0;                          // variants in this session; 0: without an end
  std::uint64_t seed = 1;
  int reboot_every = 50;  // survivors; 0: none is restarted
  std::size_t most_bytes = 1u << 20;
  HostOrder host;
};

struct FuzzFindings {
  std::string cell;
  std::filesystem::path corpus;
  long long tried = 0, rebooted = 0;  // in this session
  long long before = 0;               // variants, in earlier ones
  std::size_t answers = 0;            // different ones
  int starts = 0;                     // hypervisors in this session
  Millis hunted{0};                   // from the first variant's beginning to the last one's end
  Millis prepared{0};                 // until then
  std::vector<FuzzCrash> crashes;     // of all sessions
  bool interrupted = false;

  // Crashes that were seen again at least once.
  std::size_t found() const;
  double per_minute() const;
};

// Errors (input): no such cell, its content cannot be taken or is not good, a folder of another hunt, an
// author's command failed; (lab) guests cannot be had. An interruption is no error: what was found is given.
Answer<FuzzFindings> fuzz(const FuzzOrder& order, const Environment& environment, Observer& observer);

}  // namespace labctl::gate
