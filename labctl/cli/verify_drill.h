// labctl verify --drilled: was the gate seen to block, lately, on the same images?
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "labctl/attest/statement.h"
#include "labctl/cli/trusted.h"

namespace labctl::cli {

class Verb;

struct DrillOptions {
  std::string drilled, attestation;

  void add_to(Verb& verb);
  bool given() const { return !drilled.empty() || !attestation.empty(); }
};

// Why the drill does not vouch for the release, or nothing; nothing too when none is asked for. Errors
// (input): the options, or the drill's attestation cannot be read.
Result<std::optional<std::string>> objection_to_drill(const DrillOptions& options, const Trusted& gate_keys,
                                                      const attest::Statement& release, std::int64_t now);

}  // namespace labctl::cli
