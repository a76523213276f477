// A bundle as one file, to be carried to another machine: a zstd-compressed tar whose first entry lists every
// other one with its size and SHA-256. The same bundle gives the same bytes. What is unpacked was written by
// anybody: only what the list names, in its order, as plain files below one new folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "labctl/base/result.h"

namespace labctl::bundle {

struct Packed {
  std::uint64_t files = 0, bytes = 0;  // what went in
  std::uint64_t size = 0;              // of the file
  std::string sha256;
};

// `also`: files that the bundle's folder does not hold, by their path below it. Errors (input): no bundle; it
// holds something else than files and folders; it changes meanwhile.
Result<Packed> pack_bundle(const std::filesystem::path& folder,
                           const std::map<std::string, std::filesystem::path>& also,
                           const std::filesystem::path& file);

struct PortableBounds {
  std::uint64_t files = 200'000;
  std::uint64_t bytes = 64ull << 30;
};

// The new folder in `into`, named as the bundle was; it is there whole or not at all. Errors (input):
// damaged, of another version, more than `bounds`, anything that is not in the list or not a plain file, a
// folder of this name.
Result<std::filesystem::path> unpack_bundle(const std::filesystem::path& file,
                                            const std::filesystem::path& into,
                                            const PortableBounds& bounds = {});

}  // namespace labctl::bundle
