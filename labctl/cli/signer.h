// Who signs what a run gave: a key from a file, or a command that has the key.
#pragma once

#include <optional>
#include <string>

#include "labctl/attest/key.h"
#include "labctl/bundle/judge.h"

namespace labctl::cli {

class Verb;

// Where signatures come from: a key file, or a command that has the key. None: nothing is signed.
struct SigningOptions {
  std::string key;              // PEM, of the user alone
  std::string passphrase_file;  // for an encrypted key; else LABCTL_KEY_PASSPHRASE
  std::string command;     // for /bin/sh: the bytes to sign on its stdin, the raw signature on its stdout
  std::string public_key;  // what the command's signatures are checked with

  void add_to(Verb& verb);
};

class Signer {
 public:
  // Everything that can be wrong with the options is reported here, before guests are started for nothing.
  static Result<Signer> open(const SigningOptions& options);

  const attest::PublicKey& public_key() const { return public_; }

  // attestation.json for a judged bundle. The signature was checked with the public key.
  Result<std::string> attest(const bundle::Judged& judged) const;
  // Any in-toto statement in its signed envelope.
  Result<std::string> seal(const std::string& payload) const;

 private:
  Result<std::string> sign(const std::string& bytes) const;

  std::optional<attest::PrivateKey> key_;
  std::string command_;
  attest::PublicKey public_;
};

// Takes the passphrase out of the environment, so that no program that labctl starts inherits it; what
// /proc/PID/environ shows of this one is overwritten too. Once, before anything else.
void take_passphrase();

bool wants_signature(const SigningOptions& options);

// A PEM public key from a file.
Result<attest::PublicKey> read_public_key(const std::string& file);

}  // namespace labctl::cli
