// Texts that somebody has signed with OpenPGP, as vendors sign their lists of checksums. gpgv verifies; what
// it did not verify is never read.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "labctl/base/result.h"

namespace labctl::image {

struct SignedListOrder {
  std::filesystem::path list;       // clear-signed, or with a signature of its own beside it
  std::filesystem::path signature;  // a detached one; empty: in the list, else LIST.sign, .gpg, .asc or .sig
  std::filesystem::path keyring;    // public keys, binary or armored, that are trusted and no other
};

struct SignedList {
  std::string text;         // what was signed, and nothing that stands around it
  std::string fingerprint;  // of the key that signed it
};

// `work` is an empty folder for copies, so that what is verified is what is read. Errors: input's when the
// list, its signature or the keyring is not as it must be (bad signature, key not in the keyring, expired or
// revoked, no signature); lab's when gpgv is missing or cannot be run.
Result<SignedList> read_signed_list(const SignedListOrder& order, const std::filesystem::path& work,
                                    const std::stop_token& stop);

}  // namespace labctl::image
