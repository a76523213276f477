// May these bytes be published on the strength of this statement? Knows nothing of signatures: the statement
// has been verified before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "labctl/attest/statement.h"
#include "labctl/base/units.h"

namespace labctl::attest {

struct Policy {
  std::int64_t now = 0;  // seconds since 1970
  std::optional<Millis> max_age;
  std::optional<std::string> scenario_sha256;
  std::map<std::string, std::string> images;  // name -> SHA-256 of the golden disk that it must have had
  std::vector<std::string> require;           // globs; each needs a cell that passed
  int min_boots = 0;                          // proved by every candidate's cell
  bool allow_waived = false;                  // takes what passed because a person accepted findings
  bool allow_unproved = false;                // takes content of which no proof shows that the driver uses it
  bool allow_warnings = false;  // takes what passed because the scenario's policy lets warnings pass
};

// A clock may be ahead by this much; what is said to have ended later has not ended.
inline constexpr std::int64_t allowed_clock_skew_seconds = 300;

// Why not, in one sentence, or nothing. Everything but the artifacts.
std::optional<std::string> objection(const Statement& statement, const Policy& policy);

// The same for the bytes: every file is a subject, and every subject is there. Names are for people; digests
// decide.
std::optional<std::string> objection(const Statement& statement, const std::vector<Resource>& files);

}  // namespace labctl::attest
