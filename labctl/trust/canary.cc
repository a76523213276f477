#include "labctl/trust/canary.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/canary_record.h"
#include "labctl/bundle/control_record.h"
#include "labctl/cell/canary.h"
#include "labctl/trust/proof_cache.h"

namespace labctl::trust {
namespace {

using guest::Crash;

// One base snapshot's clones. Their journals are called by what they stand on, so that machines which the
// scenario calls by two names, and bundles of other scenarios, can share them. Images are not shared by their
// disks: two of them with one disk differ in what is known of it, and each has its name in its records.
struct Clones {
  std::string key;
  std::string prefix;  // "debian-12.1a2b3c4d", before ".canary-nmi"
  fs::path kept;       // where the proof is kept between runs
};

// An image without the module that dies on loading cannot show an oops, nor can a kernel that Secure Boot has
// locked down: it loads no module without a signature. Everything else needs nothing.
bool can_stage(const snapshot::BaseSnapshot& base, Crash crash) {
  const auto& os = guest::system_of(snapshot::os_of(base.image));
  const auto ways = os.crashes();
  if (std::find(ways.begin(), ways.end(), crash) == ways.end()) return false;
  if (crash == Crash::panic && os.traits().panic_needs_tool) return base.image.facts.notmyfault;
  return crash != Crash::oops ||
         (base.image.facts.canary_module && base.shape.firmware != Firmware::uefi_secure);
}

Clones clones_of(const CanaryOrder& order, const snapshot::BaseSnapshot& base) {
  Clones clones;
  clones.key = bundle::canary_key(snapshot::record_of(base), order.host, order.tool);
  clones.prefix = bundle::canary_prefix(base.image.name, clones.key);
  clones.kept = order.cache / "canary" / clones.key;
  return clones;
}

bool holds(const fs::path& kept, const std::string& image, std::time_t now) {
  auto text = read_file(bundle::canary_summary(kept, image, {}));
  if (!text) return false;
  auto summary = parse_json(*text, {});
  return summary && bundle::is_fresh(number_at(*summary, "made_unix"), now) &&
         bundle::read_canary(kept, image).proved();
}

// The journals and what names them, from the cache to a bundle or the other way.
Status copy_records(const fs::path& from, const std::string& from_machine, const fs::path& to,
                    const std::string& to_machine, const snapshot::BaseSnapshot& base,
                    const std::string& prefix) {
  const std::string& image = base.image.name;
  if (auto made = make_dirs(to); !made) return made;
  for (const Crash crash : guest::every_crash) {
    const fs::path folder = from / bundle::canary_id(prefix, crash);
    std::error_code problem;
    if (!fs::exists(folder, problem)) continue;
    if (auto copied = copy_folder(folder, to / folder.filename()); !copied) return copied;
  }
  auto text = read_file(bundle::canary_summary(from, image, from_machine));
  if (!text) return fail(text.error());
  return write_file(bundle::canary_summary(to, image, to_machine), *text);
}

Status keep(const fs::path& records, const snapshot::BaseSnapshot& base, const Clones& clones) {
  return publish_atomically(clones.kept.parent_path(), clones.kept, [&](const fs::path& partial) {
    return copy_records(records, base.machine, partial, {}, base, clones.prefix);
  });
}

Status write_summary(const fs::path& records, const snapshot::BaseSnapshot& base, const Clones& clones,
                     std::time_t now) {
  Json crashes = Json::array();
  for (const Crash crash : guest::every_crash)
    if (can_stage(base, crash)) crashes.push_back(guest::to_string(crash));
  Json summary{{"labctl", 1},       {"image", base.image.name}, {"image_sha256", base.image.sha256},
               {"key", clones.key}, {"records", clones.prefix}, {"made_unix", static_cast<long long>(now)},
               {"crashes", crashes}};
  if (snapshot::os_of(base.image) == scenario::Os::windows) summary["os"] = "windows";
  return write_file(bundle::canary_summary(records, base.image.name, base.machine), dump_pretty(summary));
}

std::vector<lab::CellJob> jobs_for(const CanaryOrder& order, const snapshot::BaseSnapshot& base,
                                   const std::string& prefix) {
  std::vector<lab::CellJob> jobs;
  for (const Crash crash : guest::every_crash) {
    if (!can_stage(base, crash)) continue;
    const std::string id = bundle::canary_id(prefix, crash);
    jobs.push_back({.cell = cell::canary_cell(id, base.image.name, snapshot::os_of(base.image)),
                    .canary = crash,
                    .base = base,
                    .folder = order.records / id,
                    .disk = order.work / (id + ".qcow2")});
  }
  return jobs;
}

}  // namespace

Result<std::vector<outcome::Canary>> prove_channels(const CanaryOrder& order, const Scheduler& scheduler,
                                                    const image::Progress& progress,
                                                    const std::stop_token& stop) {
  std::vector<lab::CellJob> jobs;
  std::set<std::string> being_made;  // keys
  for (const snapshot::BaseSnapshot& base : order.bases) {
    const Clones clones = clones_of(order, base);
    if (!order.again && being_made.count(clones.key) == 0 &&
        holds(clones.kept, base.image.name, order.clock())) {
      if (auto copied = copy_records(clones.kept, {}, order.records, base.machine, base, clones.prefix);
          !copied)
        return fail(copied.error());
      continue;
    }
    if (auto made = make_dirs(order.records); !made) return fail(made.error());
    if (auto written = write_summary(order.records, base, clones, order.clock()); !written)
      return fail(written.error());
    if (!being_made.insert(clones.key).second) continue;
    auto own = jobs_for(order, base, clones.prefix);
    progress(fmt::format(
        "{}: canary: crashing {} clones on purpose to check every detection channel (once a week)",
        base.name(), own.size()));
    jobs.insert(jobs.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  }
  if (!jobs.empty()) scheduler(jobs);
  if (stop.stop_requested()) return interrupted();

  std::vector<outcome::Canary> canaries;
  for (const snapshot::BaseSnapshot& base : order.bases) {
    canaries.push_back(bundle::read_canary(order.records, base.image.name, base.machine));
    const Clones clones = clones_of(order, base);
    if (canaries.back().proved() && being_made.erase(clones.key) != 0)
      if (auto done = keep(order.records, base, clones); !done) return fail(done.error());
  }
  return canaries;
}

}  // namespace labctl::trust
