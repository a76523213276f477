#include "labctl/gate/housekeeping.h"

#include <fmt/core.h>

#include "labctl/base/log.h"
#include "labctl/base/units.h"
#include "labctl/bundle/artifact_store.h"
#include "labctl/host/cache.h"
#include "labctl/machine/machine.h"
#include "labctl/reproduction/kept_machines.h"
#include "labctl/trust/proof_cache.h"

namespace labctl::gate {
namespace {

std::uint64_t size_of(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code problem;
  for (const auto& entry : fs::recursive_directory_iterator(folder, problem))
    if (entry.is_regular_file(problem)) bytes += entry.file_size(problem);
  return bytes;
}

void end_orphans(const host::Paths& paths, Collected& collected) {
  for (const auto& orphan : machine::find_orphans(paths.runtime)) {
    if (auto ended = machine::end_orphan(paths.runtime, orphan); !ended)
      collected.problems.push_back(ended.error());
    else
      collected.done.push_back(fmt::format("ended {} guests of a run that was killed ({})",
                                           orphan.pids.size(), orphan.root.string()));
  }
}

// What a killed labctl left: a folder that WorkFolder made, called by its process, with its lock beside.
bool is_left_work(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  std::error_code problem;
  return name.find_first_not_of("0123456789") == name.npos && entry.is_directory(problem) &&
         !entry.is_symlink(problem) && fs::exists(entry.path().string() + ".lock", problem);
}

void remove_kept(const reproduction::KeptMachines& kept, bool all, Collected& collected) {
  auto quota = reproduction::kept_quota();
  if (!quota) collected.problems.push_back(quota.error());
  for (const auto& machine : all ? kept.all() : std::vector<reproduction::KeptMachine>()) {
    if (auto gone = kept.discard(machine.key); !gone)
      collected.problems.push_back(gone.error());
    else
      collected.done.push_back(
          fmt::format("removed the kept machine of {}, {}", machine.cell, show_size(machine.bytes)));
  }
  if (quota)
    for (auto& line : reproduction::keep_within_quota(kept, *quota))
      collected.done.push_back(std::move(line));
}

}  // namespace

Result<WorkFolder> WorkFolder::create(const host::Paths& paths) {
  if (auto claimed = host::claim_cache(paths.root); !claimed) return fail(claimed.error());
  const fs::path path = host::work_folder(paths);
  if (auto made = make_dirs(path.parent_path()); !made) return fail(made.error());
  auto lock = Lock::try_take(path.string() + ".lock");
  if (!lock) return fail(lock.error());
  if (auto gone = remove_below(path.parent_path(), path); !gone) return fail(gone.error());
  if (auto made = make_dirs(path); !made) return fail(made.error());
  std::error_code problem;
  fs::permissions(path, fs::perms::owner_all, problem);  // guests' disks are nobody else's
  if (problem)
    return lab_error(fmt::format("cannot restrict permissions to the owner: {}", problem.message()),
                     path.string());
  return WorkFolder(path, std::move(*lock));
}

WorkFolder::~WorkFolder() {
  if (path_.empty() || !lock_) return;
  std::error_code ignored;
  log::ignored(remove_below(path_.parent_path(), path_), "removing the work folder");
  fs::remove(path_.string() + ".lock", ignored);
  log::ignored(ignored, "removing the lock of", path_);
}

void remove_left_work(const host::Paths& paths, Collected& collected) {
  std::error_code problem;
  const fs::path root = host::work_folder(paths).parent_path();
  for (const auto& entry : fs::directory_iterator(root, problem)) {
    if (!is_left_work(entry)) continue;
    if (auto lock = Lock::try_take(entry.path().string() + ".lock"); !lock) continue;  // its owner is alive
    const std::uint64_t bytes = size_of(entry.path());
    auto gone = remove_below(root, entry.path());
    fs::remove(entry.path().string() + ".lock", problem);
    if (!gone)
      collected.problems.push_back(gone.error());
    else
      collected.done.push_back(
          fmt::format("removed the work folder of a labctl that was killed, {}", show_size(bytes)));
  }
}

Collected collect_garbage(const host::Paths& paths, const image::Store& store, bool kept_too) {
  Collected collected;
  if (auto own = host::check_cache(paths.root); !own) {
    collected.problems.push_back(own.error());
    return collected;
  }
  remove_kept(reproduction::KeptMachines(paths.kept), kept_too, collected);
  end_orphans(paths, collected);
  remove_left_work(paths, collected);
  for (const char* proofs : {"canary", "control"}) trust::evict_expired(paths.cache / proofs);
  auto freed = store.collect();
  if (!freed)
    collected.problems.push_back(freed.error());
  else if (*freed != 0)
    collected.done.push_back(
        fmt::format("removed what interrupted image builds left, {}", show_size(*freed)));
  auto artifacts = bundle::ArtifactStore(paths.artifacts).collect();
  if (!artifacts)
    collected.problems.push_back(artifacts.error());
  else if (*artifacts != 0)
    collected.done.push_back(
        fmt::format("removed artifacts that were unused for a long time, {}", show_size(*artifacts)));
  return collected;
}

}  // namespace labctl::gate
