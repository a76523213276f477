// An X.509 certificate out of a file, in PEM or DER. It is read and nothing more: who signed it, and whether
// it is still valid, is for those to judge who trust it.
#pragma once

#include <string>
#include <string_view>

#include "labctl/base/result.h"
#include "labctl/base/units.h"

namespace labctl {

struct Certificate {
  std::string der;
  std::string subject;  // "CN=Vendor,O=Example"; out of the file: for printable() alone
  Date expires{};       // its last day, in UTC
};

inline constexpr std::size_t largest_certificate = 4096;  // bytes in DER

// Errors (input), without a place: not one certificate and nothing else, a private key, one of more than
// largest_certificate bytes.
Result<Certificate> read_certificate(std::string_view bytes);

}  // namespace labctl
