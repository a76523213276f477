#include "labctl/bundle/artifact_store.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"

namespace labctl::bundle {
namespace {

struct Kept {
  fs::path path;
  fs::file_time_type when;
  std::uint64_t size = 0;
  bool whole = true;  // false: an interrupted keep()
};

constexpr std::string_view beginning = ".new.";  // of what keep() is writing: .new.PROCESS.NUMBER

bool is_unfinished(const std::string& name) {
  return name.starts_with(beginning) && name.find_first_not_of("0123456789.", beginning.size()) == name.npos;
}

Result<std::vector<Kept>> list(const fs::path& root) {
  std::vector<Kept> all;
  std::error_code problem;
  if (!fs::exists(root, problem)) return all;
  auto entry = fs::directory_iterator(root, problem);
  for (; !problem && entry != fs::directory_iterator(); entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    if (!is_sha256(name) && !is_unfinished(name)) continue;
    std::error_code gone;  // meanwhile, by another run
    const Kept kept{entry->path(), entry->last_write_time(gone), entry->file_size(gone), is_sha256(name)};
    if (!gone) all.push_back(kept);
  }
  if (problem) return lab_error(fmt::format("cannot be read: {}", problem.message()), root.string());
  return all;
}

}  // namespace

Status ArtifactStore::keep(const fs::path& file, const std::string& sha256) const {
  if (auto made = make_dirs(root_); !made) return made;
  static std::atomic<int> serial = 0;
  const fs::path beside =
      root_ / (std::string(beginning) + std::to_string(::getpid()) + "." + std::to_string(serial++));
  std::error_code problem;
  fs::create_hard_link(file, beside, problem);
  if (problem) fs::copy_file(file, beside, fs::copy_options::overwrite_existing, problem);
  if (!problem) fs::permissions(beside, fs::perms::owner_read, problem);
  if (!problem) fs::last_write_time(beside, fs::file_time_type::clock::now(), problem);
  // One that is there already is replaced all the same: these bytes have just been hashed.
  if (!problem) fs::rename(beside, root_ / sha256, problem);
  std::error_code ignored;
  fs::remove(beside, ignored);  // renaming a link onto itself leaves both
  if (problem)
    return lab_error(fmt::format("cannot keep the artifact: {}", problem.message()),
                     (root_ / sha256).string());
  return {};
}

std::optional<fs::path> ArtifactStore::find(const std::string& sha256) const {
  const fs::path path = root_ / sha256;
  std::error_code problem;
  if (!is_sha256(sha256) || !fs::is_regular_file(fs::symlink_status(path, problem))) return std::nullopt;
  if (auto digest = sha256_file(path); digest && *digest == sha256) return path;
  fs::remove(path, problem);
  return std::nullopt;
}

Result<std::uint64_t> ArtifactStore::collect(const Bounds& bounds) const {
  auto kept = list(root_);
  if (!kept) return fail(kept.error());
  std::sort(kept->begin(), kept->end(), [](const Kept& a, const Kept& b) { return a.when > b.when; });
  const auto now = fs::file_time_type::clock::now();
  std::uint64_t stays = 0, freed = 0;
  for (const auto& one : *kept) {
    const auto limit = one.whole ? bounds.age : std::chrono::hours(1);
    if (now - one.when <= limit && stays + one.size <= bounds.bytes) {
      stays += one.size;
      continue;
    }
    std::error_code problem;
    if (fs::remove(one.path, problem)) freed += one.size;
  }
  return freed;
}

}  // namespace labctl::bundle
