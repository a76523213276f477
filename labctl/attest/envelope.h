// A signed message as DSSE 1.0.2 has it: a payload, its type, and signatures over both. Knows nothing of what
// the payload says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/attest/key.h"
#include "labctl/base/result.h"

namespace labctl::attest {

inline constexpr std::string_view in_toto_type = "application/vnd.in-toto+json";
inline constexpr std::size_t largest_envelope = 16u << 20;

struct Signature {
  std::string key_id;
  std::string bytes;
};

struct Envelope {
  std::string payload_type;
  std::string payload;
  std::vector<Signature> signatures;
};

// The bytes that are signed: type and payload, each with its length, so that neither can flow into the other.
std::string pre_authentication(std::string_view payload_type, std::string_view payload);

std::string to_text(const Envelope& envelope);

// Strict: no key twice, base64 in its one spelling, nothing beyond `largest_envelope`. Errors are input's.
Result<Envelope> read_envelope(std::string_view text, const std::string& where);

// The payload, and only if it is of this type, every given key has signed it and nobody else has: a
// signature that is bad, doubled or of an unknown key spoils the envelope. The error says why not.
Result<std::string> open(const Envelope& envelope, std::string_view payload_type,
                         const std::vector<PublicKey>& keys);

}  // namespace labctl::attest
