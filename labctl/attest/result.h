// An in-toto Statement v1 with a Simple Verification Result v0.1: who verified what about which bytes, when.
// Promotions, halts and withdrawals are of this form. Knows nothing of signatures and keys.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/attest/statement.h"
#include "labctl/base/json.h"
#include "labctl/base/result.h"

namespace labctl::attest {

struct VerificationResult {
  std::vector<Resource> subjects;
  std::string verifier;  // a URI: "labctl:promote"
  std::int64_t created = 0;
  std::vector<std::string> properties;
  Json notes = Json::object();  // ours, in the predicate under "labctl"

  bool has(std::string_view property) const;
};

std::string to_payload(const VerificationResult& result);

// Strict about what labctl writes; what it does not know is ignored. Errors (input).
Result<VerificationResult> read_result(std::string_view payload, const std::string& where);

}  // namespace labctl::attest
