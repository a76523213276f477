// Whose signatures are believed: public keys that were given one by one, or a list of keys with their dates;
// and what has been withdrawn since it was signed.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "labctl/attest/envelope.h"
#include "labctl/rings/keys.h"

namespace labctl::cli {

class Verb;

struct TrustOptions {
  std::vector<std::string> keys;  // --key: all of them must have signed
  std::string list;               // --keys: one of those in it that are for this use, at least
  std::string withdrawn;          // --withdrawn: a signed list

  void add_to(Verb& verb, const char* help_of_key);
};

class Trusted {
 public:
  // Errors (input): no key at all, keys that cannot be read, mistakes in the list.
  static Result<Trusted> read(const TrustOptions& options, rings::KeyUse use);

  static Trusted one(const attest::PublicKey& key);

  // The payload, when those have signed that must have, and nobody else.
  Result<std::string> open(const attest::Envelope& envelope) const;
  // The same when any single trusted key has signed: one person may stop what two have started.
  Result<std::string> open_by_any(const attest::Envelope& envelope) const;
  // Why a key that signed the envelope was not good at that moment, or nothing.
  std::optional<std::string> objection(const attest::Envelope& envelope, std::int64_t moment) const;
  std::optional<std::string> objection(const std::string& key_id, std::int64_t moment) const;
  bool has(const std::string& key_id) const;

  // Why the statement with this payload is not to be believed any more, or nothing. Errors (input): the list
  // that was given cannot be read, is not signed, or has expired.
  Result<std::optional<std::string>> withdrawn(const std::vector<std::string>& payload_digests,
                                               std::int64_t now) const;

 private:
  struct Key {
    attest::PublicKey key;
    rings::KeyEntry entry;
    bool may_withdraw = false, is_for_use = false;
  };
  Result<std::string> open_listed(const attest::Envelope& envelope, bool to_withdraw) const;

  std::vector<Key> keys_;
  bool all_must_sign_ = true;
  std::string withdrawn_;
};

// Errors (input): it cannot be read or is not an envelope.
Result<attest::Envelope> read_envelope_file(const std::string& file);

}  // namespace labctl::cli
