#include "labctl/trust/control.h"

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/bundle/bundle.h"
#include "labctl/bundle/control_record.h"
#include "labctl/bundle/judge.h"
#include "labctl/cell/cell.h"
#include "labctl/trust/proof_cache.h"

namespace labctl::trust {
namespace {

bool passed(const plan::Cell& cell, const fs::path& folder) {
  auto journal = bundle::read_cell_journal(cell, folder);
  return journal && cell::replay(cell, journal->events).ending == outcome::Ending::passed;
}

}  // namespace

ControlCache::ControlCache(fs::path cache, std::string tool, std::string host, std::string signatures,
                           std::function<std::time_t()> clock)
    : cache_(std::move(cache) / "control"),
      tool_(std::move(tool)),
      host_(std::move(host)),
      signatures_(std::move(signatures)),
      clock_(std::move(clock)) {}

std::string ControlCache::key(const lab::CellJob& job) const {
  return bundle::control_key(snapshot::record_of(job.base), job.cell, job.files, signatures_, host_, tool_);
}

Result<bool> ControlCache::take(const lab::CellJob& job) const {
  const fs::path kept = cache_ / key(job);
  std::error_code ignored;
  if (!fs::exists(kept / bundle::control_file, ignored)) return false;
  auto lock = Lock::wait(kept.string() + ".lock");  // nobody replaces it meanwhile
  if (!lock) return fail(lock.error());
  auto text = read_file(kept / bundle::control_file);
  if (!text) return false;
  auto word = parse_json(*text, {});
  if (!word || !bundle::is_fresh(number_at(*word, "made_unix"), clock_())) return false;
  if (!passed(job.cell, kept)) return false;
  if (auto copied = copy_folder(kept, job.folder); !copied) return fail(copied.error());
  return true;
}

Status ControlCache::keep(const lab::CellJob& job, const std::string& run) const {
  if (!passed(job.cell, job.folder)) return remove_below(cache_, cache_ / key(job));
  return publish_atomically(cache_, cache_ / key(job), [&](const fs::path& partial) -> Status {
    if (auto copied = copy_folder(job.folder, partial); !copied) return copied;
    const Json word{
        {"labctl", 1}, {"made_unix", static_cast<long long>(clock_())}, {"run", run}, {"key", key(job)}};
    return write_file(partial / bundle::control_file, dump_pretty(word));
  });
}

Result<std::vector<lab::CellJob>> set_aside_for_rerun(const std::vector<lab::CellJob>& jobs,
                                                      const std::vector<std::string>& ids) {
  std::vector<lab::CellJob> wanted;
  for (const auto& job : jobs) {
    if (std::find(ids.begin(), ids.end(), job.cell.id) == ids.end()) continue;
    if (auto aside = rename_synced(job.folder, bundle::free_name(job.folder.string() + ".kept")); !aside)
      return fail(aside.error());
    wanted.push_back(job);
  }
  return wanted;
}

}  // namespace labctl::trust
