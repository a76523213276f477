#include "labctl/trust/proof_cache.h"

#include <fmt/core.h>

#include <chrono>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/log.h"
#include "labctl/bundle/control_record.h"

namespace labctl::trust {
namespace {

// publish_atomically()'s names: a digest, alone or with what stands beside while it is written.
bool is_record(std::string name) {
  for (const std::string ending : {".lock", ".partial"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return is_sha256(name);
}

}  // namespace

Status publish_atomically(const fs::path& root, const fs::path& place,
                          const std::function<Status(const fs::path&)>& fill) {
  const fs::path partial = place.string() + ".partial";
  if (auto made = make_dirs(place.parent_path()); !made) return made;
  auto lock = Lock::wait(place.string() + ".lock");
  if (!lock) return fail(lock.error());
  if (auto gone = remove_below(root, partial); !gone) return gone;
  if (auto done = fill(partial); !done) return done;
  if (auto gone = remove_below(root, place); !gone) return gone;
  return rename_synced(partial, place);
}

Status copy_folder(const fs::path& from, const fs::path& to) {
  if (auto made = make_dirs(to); !made) return made;
  std::error_code problem;
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, problem);
  if (problem) return lab_error(fmt::format("cannot copy cached proofs: {}", problem.message()), to.string());
  return {};
}

void evict_expired(const fs::path& folder) {
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) {
    if (!is_record(entry.path().filename().string())) continue;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(problem);
    if (!problem && age > std::chrono::seconds(bundle::fresh_seconds))
      log::ignored(remove_below(folder, entry.path()), "removing an expired proof");
  }
}

}  // namespace labctl::trust
