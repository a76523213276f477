#include "labctl/lab/canary.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cell/canary.h"

namespace labctl::lab {
namespace {

using guest::Crash;

constexpr long long believed_seconds = 7 * 24 * 3600;
constexpr std::uint64_t largest_journal = 16u << 20;

std::string id_of(const std::string& image, Crash crash) {
  return image + ".canary-" + guest::to_string(crash);
}

fs::path summary_file(const fs::path& records, const std::string& image) {
  return records / (image + ".json");
}

// An image without the module that dies on loading cannot show an oops; everything else needs nothing.
bool can_stage(const image::Image& image, Crash crash) {
  return crash != Crash::oops || flag_at(image.facts, "canary_module");
}

std::string key_of(const CanaryOrder& order, const Ground& ground) {
  return sha256(
      dump_line(Json{ground.image.sha256, order.host, ground.shape.vcpus, ground.shape.memory, order.tool}));
}

bool holds(const fs::path& kept, const std::string& image) {
  auto text = read_file(summary_file(kept, image));
  if (!text) return false;
  auto summary = parse_json(*text, {});
  const long long age = summary ? std::time(nullptr) - number_at(*summary, "made_unix") : -1;
  return age >= 0 && age < believed_seconds && read_canary(kept, image).proved();
}

Status copy_tree(const fs::path& from, const fs::path& to) {
  if (auto made = make_dirs(to); !made) return made;
  std::error_code problem;
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, problem);
  if (problem) return lab_error("cannot copy the canary's records: " + problem.message(), to.string());
  return {};
}

// Other runs may read and write the same place: it appears whole or not at all.
Status keep(const fs::path& records, const std::string& image, const fs::path& kept) {
  const fs::path partial = kept.string() + ".partial";
  if (auto made = make_dirs(kept.parent_path()); !made) return made;
  auto lock = Lock::wait(kept.string() + ".lock");
  if (!lock) return fail(lock.error());
  if (auto gone = remove_tree(partial); !gone) return gone;
  if (auto made = make_dirs(partial); !made) return made;
  for (const Crash crash : guest::every_crash)
    if (const std::string id = id_of(image, crash); fs::exists(records / id))
      if (auto copied = copy_tree(records / id, partial / id); !copied) return copied;
  auto text = read_file(summary_file(records, image));
  if (!text) return fail(text.error());
  if (auto written = write_file(summary_file(partial, image), *text); !written) return written;
  if (auto gone = remove_tree(kept); !gone) return gone;
  return rename_synced(partial, kept);
}

Status write_summary(const fs::path& records, const image::Image& image) {
  Json crashes = Json::array();
  for (const Crash crash : guest::every_crash)
    if (can_stage(image, crash)) crashes.push_back(guest::to_string(crash));
  const Json summary{{"labctl", 1},
                     {"image", image.name},
                     {"image_sha256", image.sha256},
                     {"made_unix", static_cast<long long>(std::time(nullptr))},
                     {"crashes", crashes}};
  return write_file(summary_file(records, image.name), dump_pretty(summary));
}

std::vector<CellJob> jobs_for(const CanaryOrder& order, const Ground& ground) {
  std::vector<CellJob> jobs;
  for (const Crash crash : guest::every_crash) {
    if (!can_stage(ground.image, crash)) continue;
    const std::string id = id_of(ground.image.name, crash);
    const scenario::Machine machine{.vcpus = ground.shape.vcpus, .memory = ground.shape.memory};
    jobs.push_back({.cell = cell::canary_cell(id, ground.image.name, machine),
                    .canary = crash,
                    .ground = ground,
                    .folder = order.records / id,
                    .disk = order.work / (id + ".qcow2")});
  }
  return jobs;
}

verdict::CanaryDeath read_death(const fs::path& records, const std::string& image, Crash crash) {
  verdict::CanaryDeath death{.crash = guest::to_string(crash)};
  for (const auto channel : cell::due(crash)) death.due.emplace_back(event::to_string(channel));
  const std::string id = id_of(image, crash);
  auto text = read_file(records / id / "events.jsonl", largest_journal);
  auto journal = text ? event::read_journal(*text, id, id + "/events.jsonl")
                      : Result<event::Journal>(fail(text.error()));
  if (!journal) {
    death.reason = "no record of it: " + journal.error().what;
    return death;
  }
  const cell::Death seen = cell::read_death(cell::canary_cell(id, image, {}), crash, journal->events);
  for (const auto channel : seen.spoke) death.spoke.emplace_back(event::to_string(channel));
  death.title = seen.title;
  death.reason = seen.reason;
  return death;
}

}  // namespace

verdict::Canary read_canary(const fs::path& records, const std::string& image) {
  verdict::Canary canary{.image = image};
  auto text = read_file(summary_file(records, image));
  auto summary = text ? parse_json(*text, {}) : Result<Json>(fail(text.error()));
  if (!summary || text_at(*summary, "image") != image) return canary;
  canary.made = show_moment(number_at(*summary, "made_unix"));
  const Json none = Json::array();
  const Json& crashes = summary->contains("crashes") ? summary->at("crashes") : none;
  for (const Crash crash : guest::every_crash)
    if (crash != Crash::oops || std::find(crashes.begin(), crashes.end(), "oops") != crashes.end())
      canary.deaths.push_back(read_death(records, image, crash));
  return canary;
}

Result<std::vector<verdict::Canary>> prove_channels(const CanaryOrder& order, const Crew& crew,
                                                    const image::Say& say, const std::stop_token& stop) {
  std::vector<CellJob> jobs;
  std::map<std::string, fs::path> to_keep;  // image -> its place in the cache
  for (const Ground& ground : order.grounds) {
    const std::string& image = ground.image.name;
    const fs::path kept = order.cache / "canary" / key_of(order, ground);
    if (!order.again && holds(kept, image)) {
      if (auto copied = copy_tree(kept, order.records); !copied) return fail(copied.error());
      continue;
    }
    if (auto made = make_dirs(order.records); !made) return fail(made.error());
    if (auto written = write_summary(order.records, ground.image); !written) return fail(written.error());
    to_keep[image] = kept;
    auto own = jobs_for(order, ground);
    say(image + ": canary: killing " + std::to_string(own.size()) +
        " clones on purpose, to see every channel speak (once a week)");
    jobs.insert(jobs.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  }
  if (!jobs.empty()) crew(jobs);
  if (stop.stop_requested()) return fail({Fault::interrupted, "interrupted", {}, {}});

  std::vector<verdict::Canary> canaries;
  for (const Ground& ground : order.grounds) {
    const std::string& image = ground.image.name;
    canaries.push_back(read_canary(order.records, image));
    if (canaries.back().proved() && to_keep.count(image) != 0)
      if (auto done = keep(order.records, image, to_keep[image]); !done) return fail(done.error());
  }
  return canaries;
}

void forget_old_canaries(const fs::path& cache) {
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(cache / "canary", problem)) {
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(problem);
    if (!problem && age > std::chrono::seconds(believed_seconds)) fs::remove_all(entry.path(), problem);
  }
}

}  // namespace labctl::lab
