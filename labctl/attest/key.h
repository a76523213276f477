// Keys that sign and keys that check: Ed25519 and ECDSA P-256, in PEM as openssl makes them. Values: a copy
// is the same key. No message quotes key material, and the only way out for it is PrivateKey::pem().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "labctl/base/result.h"

struct evp_pkey_st;

namespace labctl::attest {

enum class KeyType { ed25519, p256 };
const char* to_string(KeyType type);

class PublicKey {
 public:
  // "PUBLIC KEY" alone. Errors (input): another kind of key or curve, a private key, more than one key.
  static Result<PublicKey> read(std::string_view pem, const std::string& where);

  // P-256 signatures are DER over SHA-256, as `openssl dgst -sha256 -sign` makes them; Ed25519 ones are pure.
  bool verifies(std::string_view bytes, std::string_view signature) const;
  KeyType type() const { return type_; }
  const std::string& id() const { return id_; }  // SHA-256 of the DER-encoded SubjectPublicKeyInfo
  std::string pem() const;

 private:
  friend class PrivateKey;
  std::shared_ptr<evp_pkey_st> key_;
  KeyType type_ = KeyType::ed25519;
  std::string id_;
};

class PrivateKey {
 public:
  // "PRIVATE KEY", "EC PRIVATE KEY" and, with a passphrase, their encrypted forms. Errors (input) as above,
  // and an encrypted key without its passphrase.
  static Result<PrivateKey> read(std::string_view pem, const std::optional<std::string>& passphrase,
                                 const std::string& where);
  static Result<PrivateKey> make(KeyType type);

  Result<std::string> sign(std::string_view bytes) const;
  const PublicKey& public_key() const { return public_; }
  std::string pem() const;  // PKCS#8, not encrypted

 private:
  PublicKey public_;  // its handle holds the private half too
};

}  // namespace labctl::attest
