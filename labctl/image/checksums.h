// Lists of checksums as vendors publish them beside their disks: lines of sha256sum ("DIGEST  NAME") and
// lines with tags ("SHA256 (NAME) = DIGEST"). Only text; who wrote the list is for signed_list.h to prove.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::image {

enum class ChecksumKind { sha256, sha512 };

struct Checksum {
  std::string name;  // of the file, without folders before it
  ChecksumKind kind = ChecksumKind::sha256;
  std::string digest;  // 64 or 128 lower-case hex digits
  bool operator==(const Checksum&) const = default;
};

// In the order of the list. What is no such line, and what names another kind of digest, is not in it.
std::vector<Checksum> checksums_in(std::string_view list);

// The one of this file; of several kinds the longest. Errors (input): the list does not name it, names it
// with several digests of a kind, or has only kinds that prove nothing (MD5, SHA-1).
Result<Checksum> checksum_of(std::string_view list, const std::string& file);

}  // namespace labctl::image
