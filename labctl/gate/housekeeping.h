// What a run leaves behind when it is killed, and how it is ended: guests without an owner, disks nobody
// uses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/host/paths.h"
#include "labctl/image/image.h"

namespace labctl::gate {

// A folder for what this process needs while it lives (disks, CDs, lists of packages), locked while the
// process lives and removed with the object.
class WorkFolder {
 public:
  static Result<WorkFolder> create(const host::Paths& paths);
  WorkFolder(WorkFolder&&) = default;
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  WorkFolder(std::filesystem::path path, Lock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  std::optional<Lock> lock_;
};

struct Collected {
  std::vector<std::string> done;  // one line each
  std::vector<Error> problems;
};

// Removes work folders whose process has ended without doing so. The cache must be labctl's own.
void remove_left_work(const host::Paths& paths, Collected& collected);

// Ends orphaned guests and removes what killed runs and interrupted builds left. Touches nothing that a
// living labctl holds, nothing in a cache that labctl did not make (host/cache.h), and only what is called
// and built as labctl does it; bundles, whole or partial, are evidence and stay. Kept machines go when they
// are over their quota, all of them with `kept_too`.
Collected collect_garbage(const host::Paths& paths, const image::Store& store, bool kept_too = false);

}  // namespace labctl::gate
