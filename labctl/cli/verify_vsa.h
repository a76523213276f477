// labctl verify --vsa: what was verified, signed again for admission controllers, as SLSA's Verification
// Summary.
#pragma once

#include <optional>
#include <string>

#include "labctl/attest/statement.h"
#include "labctl/cli/signer.h"
#include "labctl/cli/trusted.h"

namespace labctl::cli {

class Verb;

struct SummaryOptions {
  std::string out, resource;
  SigningOptions signing;

  void add_to(Verb& verb);
  bool given() const { return !out.empty() || !resource.empty() || wants_signature(signing); }
};

// Whatever can be wrong with the options, before anything is verified; nothing when no summary is asked for.
// Errors (input): among others, the key is one that the gate signs with.
Result<std::optional<Signer>> summary_signer(const SummaryOptions& options, const Trusted& gate_keys);

// What verify has found good: the statement with this payload, about these files.
Status write_summary(const SummaryOptions& options, const Signer& signer, const attest::Statement& statement,
                     const std::string& payload, const std::vector<attest::Resource>& files,
                     std::int64_t now);

}  // namespace labctl::cli
