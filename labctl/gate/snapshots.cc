#include "labctl/gate/snapshots.h"

#include <fmt/core.h>

#include <algorithm>
#include <future>
#include <optional>
#include <set>

#include "labctl/base/files.h"

namespace labctl::gate {

namespace fs = std::filesystem;

namespace {

// What a scenario says for one system means nothing to another.
Status same_system(const plan::Plan& plan, const image::Store& store) {
  for (const auto& cell : plan.cells) {
    auto image = store.find(cell.image);
    if (image && snapshot::os_of(*image) != cell.guest.os)
      return input_error(
          fmt::format("the image '{}' is of {}, and the scenario says how {} takes the candidate", cell.image,
                      image->os, to_string(cell.guest.os)),
          plan.scenario, fmt::format("write guest: {{{}: ...}}, or name other images", image->os));
  }
  return {};
}

}  // namespace

Status check_space(const fs::path& work, const Bases& bases, unsigned at_once) {
  std::uint64_t largest = 0;
  std::error_code problem;
  for (const auto& [cell, base] : bases) largest = std::max(largest, fs::file_size(base.disk, problem));
  const std::uint64_t wanted = at_once * (largest + (512ull << 20));
  auto free = free_space(work);
  if (!free) return fail(free.error());
  if (*free < wanted)
    return lab_error(fmt::format("not enough disk space: {} free, {} needed for {} guests at once",
                                 show_size(*free), show_size(wanted), at_once),
                     work.string(),
                     "labctl gc, --jobs with a smaller number, or LABCTL_CACHE on a larger disk");
  return {};
}

Result<snapshot::BaseSnapshot> prepare_base(const std::string& image, const machine::Shape& shape,
                                            machine::Host& host, const Environment& environment,
                                            Observer& observer) {
  observer.on(SnapshotBegan{image, shape});
  auto base =
      snapshot::prepare_base(host, environment.store, image, shape, progress_to(observer), environment.stop);
  observer.on(SnapshotEnded{image, shape, base ? Status() : Status(fail(base.error()))});
  return base;
}

Result<Bases> prepare_bases(const plan::Plan& plan, machine::Host& host, const Environment& environment,
                            Observer& observer) {
  if (auto same = same_system(plan, environment.store); !same) return fail(same.error());
  using Key = std::pair<std::string, machine::Shape>;
  const auto key_of = [&](const plan::Cell& cell) {
    return Key{cell.image, snapshot::shape_on(host.facts(), snapshot::shape_of(cell.machine))};
  };
  std::vector<Key> keys;
  for (const auto& cell : plan.cells) {
    const Key key = key_of(cell);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    keys.push_back(key);
    if (key.second.vcpus != cell.machine.vcpus)
      observer.on(
          Note{fmt::format("{}: using {} vCPU instead of {}: multi-threaded TCG causes false crashes, and "
                           "single-threaded TCG cannot be requested over --connect",
                           cell.image, key.second.vcpus, cell.machine.vcpus)});
  }
  std::vector<std::future<Result<snapshot::BaseSnapshot>>> made;
  for (const auto& [image, shape] : keys)
    made.push_back(std::async(std::launch::async, [&, image = image, shape = shape] {
      return prepare_base(image, shape, host, environment, observer);
    }));
  Bases bases;
  std::optional<Error> problem;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto base = made[i].get();
    if (!base && !problem) problem = base.error();
    for (const auto& cell : plan.cells)
      if (base && key_of(cell) == keys[i]) {
        bases[cell.id] = *base;
        bases[cell.id].machine = cell.machine.name;
      }
  }
  if (problem) return fail(*problem);
  return bases;
}

std::vector<outcome::ImageRecord> image_records(const Bases& bases) {
  std::vector<outcome::ImageRecord> images;
  std::set<std::string> seen;
  for (const auto& [cell, base] : bases)
    if (seen.insert(base.name()).second) images.push_back(snapshot::record_of(base));
  return images;
}

}  // namespace labctl::gate
