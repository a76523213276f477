// A signed statement as a Sigstore bundle v0.3, for verifiers that know these. With a key of one's own: no
// certificate, and no entry in a transparency log.
#pragma once

#include <string>

#include "labctl/attest/envelope.h"

namespace labctl::attest {

// Errors (input): the envelope has not exactly one signature, or that does not name its key.
Result<std::string> to_sigstore(const Envelope& envelope);

}  // namespace labctl::attest
