#include "labctl/attest/sigstore.h"

#include "labctl/base/json.h"
#include "labctl/base/text.h"

namespace labctl::attest {

Result<std::string> to_sigstore(const Envelope& envelope) {
  if (envelope.signatures.size() != 1 || envelope.signatures[0].key_id.empty())
    return input_error("a Sigstore bundle holds exactly one signature, which names its key");
  const Signature& signature = envelope.signatures[0];
  return dump_pretty({{"mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json"},
                      {"verificationMaterial",
                       {{"publicKey", {{"hint", signature.key_id}}}, {"tlogEntries", Json::array()}}},
                      {"dsseEnvelope",
                       {{"payload", base64_encode(envelope.payload)},
                        {"payloadType", envelope.payload_type},
                        {"signatures", Json::array({{{"sig", base64_encode(signature.bytes)},
                                                     {"keyid", signature.key_id}}})}}}});
}

}  // namespace labctl::attest
