// SLSA's Verification Summary v1: what `labctl verify` has checked, for admission controllers that do not
// know a test result. Knows nothing of signatures and keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "labctl/attest/statement.h"

namespace labctl::attest {

struct Summary {
  std::vector<Resource> subjects;
  std::string resource;       // URI of what was verified, as the consumer knows it
  std::int64_t verified = 0;  // seconds since 1970
  std::string tool;           // "labctl 1.2"
  Resource input;             // the attestation, by its payload
  Resource policy;            // the scenario that it was made with
};

// The payload's bytes. There is no summary of a refusal: nothing is signed then.
std::string to_payload(const Summary& summary);

}  // namespace labctl::attest
