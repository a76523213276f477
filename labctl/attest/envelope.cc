#include "labctl/attest/envelope.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "labctl/base/json.h"
#include "labctl/base/text.h"

namespace labctl::attest {
namespace {

std::optional<std::string> bytes_at(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object.at(key).is_string()) return std::nullopt;
  return base64_decode(object.at(key).get<std::string>(), largest_envelope);
}

}  // namespace

std::string pre_authentication(std::string_view payload_type, std::string_view payload) {
  std::string bytes = "DSSEv1 " + std::to_string(payload_type.size()) + " ";
  bytes.append(payload_type).append(" " + std::to_string(payload.size()) + " ").append(payload);
  return bytes;
}

std::string to_text(const Envelope& envelope) {
  Json signatures = Json::array();
  for (const auto& signature : envelope.signatures)
    signatures.push_back({{"keyid", signature.key_id}, {"sig", base64_encode(signature.bytes)}});
  return dump_pretty({{"payloadType", envelope.payload_type},
                      {"payload", base64_encode(envelope.payload)},
                      {"signatures", signatures}});
}

Result<Envelope> read_envelope(std::string_view text, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    return input_error(fmt::format("is not an attestation: {}", what), where,
                       "'labctl run --sign' writes attestation.json");
  };
  if (text.size() > largest_envelope) return refuse("it is too large");
  auto json = parse_json(text, where);
  if (!json) return refuse(json.error().what);
  if (!json->is_object() || !json->contains("payload")) return refuse("there is no payload in it");
  Envelope envelope;
  envelope.payload_type = text_at(*json, "payloadType");
  if (envelope.payload_type.empty()) return refuse("its payload has no type");
  auto payload = bytes_at(*json, "payload");
  if (!payload) return refuse("its payload is not base64");
  envelope.payload = std::move(*payload);
  if (!json->contains("signatures") || !json->at("signatures").is_array() || json->at("signatures").empty())
    return refuse("it is not signed");
  for (const auto& entry : json->at("signatures")) {
    auto bytes = bytes_at(entry, "sig");
    if (!bytes || bytes->empty()) return refuse("a signature in it is not base64");
    if (entry.contains("keyid") && !entry.at("keyid").is_string())
      return refuse("a key id in it is not text");
    envelope.signatures.push_back({text_at(entry, "keyid"), std::move(*bytes)});
  }
  return envelope;
}

Result<std::string> open(const Envelope& envelope, std::string_view payload_type,
                         const std::vector<PublicKey>& keys) {
  if (keys.empty()) return input_error("no key was given");
  if (envelope.payload_type != payload_type)
    return input_error(fmt::format("the payload is of type '{}', not '{}'",
                                   printable(envelope.payload_type, 80), payload_type));
  const std::string signed_bytes = pre_authentication(envelope.payload_type, envelope.payload);
  std::vector<bool> has_signed(keys.size(), false);
  for (const auto& signature : envelope.signatures) {
    const auto signer = std::find_if(keys.begin(), keys.end(), [&](const PublicKey& key) {
      return (signature.key_id.empty() || signature.key_id == key.id()) &&
             key.verifies(signed_bytes, signature.bytes);
    });
    if (signer == keys.end()) {
      const bool known = std::any_of(keys.begin(), keys.end(),
                                     [&](const auto& key) { return key.id() == signature.key_id; });
      return input_error(known ? "the signature is not good: what was signed was changed"
                               : fmt::format("a signature is by none of the given keys (it names key '{}')",
                                             printable(signature.key_id, 64)));
    }
    const auto index = static_cast<std::size_t>(signer - keys.begin());
    if (has_signed[index]) return input_error("one key has signed twice");
    has_signed[index] = true;
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!has_signed[i]) return input_error(fmt::format("the key {} has not signed", keys[i].id()));
  return envelope.payload;
}

}  // namespace labctl::attest
