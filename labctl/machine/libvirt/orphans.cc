#include <algorithm>

#include "labctl/base/private_folder.h"
#include "labctl/machine/libvirt/root.h"
#include "labctl/machine/machine.h"

namespace labctl::machine {

std::vector<Orphan> find_orphans(const fs::path& runtime_base) {
  std::vector<Orphan> orphans;
  if (!check_private(runtime_base, "LABCTL_RUNTIME")) return orphans;  // whose are they?
  std::error_code wrong;
  const fs::path base = fs::canonical(runtime_base, wrong);
  if (wrong) return orphans;
  for (fs::directory_iterator entry(base, wrong), end; !wrong && entry != end; entry.increment(wrong)) {
    if (entry->is_symlink(wrong) || !entry->is_directory(wrong)) continue;
    // Only what Root::make left: a directory whose lock file stands beside it.
    if (!fs::exists(lock_of(entry->path()), wrong)) continue;
    if (!Lock::try_take(lock_of(entry->path()))) continue;
    orphans.push_back({entry->path(), qemus_in(entry->path())});
  }
  std::sort(orphans.begin(), orphans.end(), [](const Orphan& a, const Orphan& b) { return a.root < b.root; });
  return orphans;
}

Status end_orphan(const fs::path& runtime_base, const Orphan& orphan) {
  // Between finding and ending, somebody may have begun to end it too.
  const Result<Lock> lock = Lock::try_take(lock_of(orphan.root));
  if (!lock) return because(lock.error(), "the root is in use");
  if (Status ended = end_qemus_in(orphan.root); !ended) return ended;
  if (Status removed = remove_below(runtime_base, orphan.root); !removed) return removed;
  std::error_code ignored;
  fs::remove(lock_of(orphan.root), ignored);
  return {};
}

}  // namespace labctl::machine
