// What was proved on this host and is reused for a week: records kept between runs, in folders called by a
// digest of everything that they stand on.
#pragma once

#include <filesystem>
#include <functional>

#include "labctl/base/result.h"

namespace labctl::trust {

// Other runs may read and write the same place: what `fill` writes appears there whole or not at all.
// `place` is a folder below `root`.
Status publish_atomically(const std::filesystem::path& root, const std::filesystem::path& place,
                          const std::function<Status(const std::filesystem::path&)>& fill);

Status copy_folder(const std::filesystem::path& from, const std::filesystem::path& to);

// Removes such records that are too old to be reused.
void evict_expired(const std::filesystem::path& folder);

}  // namespace labctl::trust
