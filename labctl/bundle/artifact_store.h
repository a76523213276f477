// The bytes that guests were given, kept by their SHA-256 beside the images, so that a bundle can be brought
// back after the build that made them is gone. A cache and nothing more: what is asked of it is hashed again,
// and what nobody used for long goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "labctl/base/result.h"

namespace labctl::bundle {

class ArtifactStore {
 public:
  explicit ArtifactStore(std::filesystem::path root) : root_(std::move(root)) {}

  // `file` has these bytes and is not changed afterwards: it is linked, or copied to another file system.
  Status keep(const std::filesystem::path& file, const std::string& sha256) const;

  // The file with these bytes; one that no longer has them is removed and not found.
  std::optional<std::filesystem::path> find(const std::string& sha256) const;

  // What it may hold after a collection: what was kept within `age`, the newest first, up to `bytes`.
  struct Bounds {
    std::chrono::hours age = std::chrono::hours(24 * 90);
    std::uint64_t bytes = 4ull << 30;
  };
  // Removes the rest, and what interruptions left; the bytes freed.
  Result<std::uint64_t> collect(const Bounds& bounds) const;
  Result<std::uint64_t> collect() const { return collect(Bounds{}); }

 private:
  std::filesystem::path root_;
};

}  // namespace labctl::bundle
