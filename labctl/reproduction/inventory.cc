#include "labctl/reproduction/inventory.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/bundle/set_archive.h"
#include "labctl/plan/damage.h"
#include "labctl/snapshot/base_snapshot.h"

namespace labctl::reproduction {
namespace {

constexpr std::size_t most_given = 10000;
constexpr std::uint64_t largest_damaged = 256u << 20;

// An artifact as the plan names it, with its damage; run.json has its digest.
struct Named {
  std::string path;
  scenario::Damage damage = scenario::Damage::none;
  std::string damaged_file = {};
  bool set = false;  // content that is several files
};

void name_artifacts(const plan::Cell& cell, std::vector<Named>& all) {
  const bool folder = cell.guest.content && cell.guest.content->is_folder();
  for (const auto& file : plan::given_to(cell)) {
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const Named& one) { return one.path == file.path; });
    if (!file.path.empty() && !known)
      all.push_back(
          {file.path, file.damage, file.damaged_file, folder && file.of == plan::Given::Of::content});
  }
}

std::string origin_of(const Named& named) {
  const auto suffix = scenario::damaged_name({}, named.damage, named.damaged_file);
  return named.path.ends_with(suffix) ? named.path.substr(0, named.path.size() - suffix.size()) : named.path;
}

// Files that somebody named, with the sizes by which most are ruled out without being read.
Result<std::vector<fs::path>> given_files(const std::vector<fs::path>& given) {
  std::vector<fs::path> files;
  for (const auto& path : given) {
    std::error_code problem;
    if (fs::is_regular_file(path, problem)) {
      files.push_back(path);
    } else if (fs::is_directory(path, problem)) {
      for (auto entry =
               fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, problem);
           !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored)) files.push_back(entry->path());
        if (files.size() > most_given)
          return input_error(fmt::format("has more than {} files", most_given), path.string(),
                             "name the file itself, or a smaller folder");
      }
    } else {
      return input_error("there is no such artifact file or folder", path.string());
    }
  }
  return files;
}

std::string different(const std::string& sha256, const fs::path& file, const std::string& here) {
  return fmt::format("the run's was sha256 {}, {} is {}", sha256, file.lexically_normal().string(), here);
}

class Search {
 public:
  Search(const bundle::RecordedRun& run, const Seek& seek, std::vector<fs::path> given)
      : run_(run.record),
        seek_(seek),
        given_(std::move(given)),
        base_(fs::path(run.record.scenario.location()).parent_path()) {}

  void find(const Named& named, Inventory& inventory) const {
    Item item{.thing = Thing::artifact, .name = named.path};
    const auto* recorded = run_.artifact(named.path);
    if (!recorded || !is_sha256(recorded->sha256)) {
      item.standing = Standing::missing;
      item.what = "the run recorded no digest of it";
    } else if (auto found = named.set ? look_for_set(named, *recorded, item) : look(named, *recorded, item)) {
      inventory.artifacts[named.path] = std::move(*found);
    }
    inventory.items.push_back(std::move(item));
  }

 private:
  using Recorded = outcome::ArtifactRecord;

  std::optional<FoundArtifact> look(const Named& named, const Recorded& wanted, Item& item) const {
    const fs::path origin = base_ / origin_of(named);
    const std::string here = digest_of(origin, named.damage);
    if (here == wanted.sha256) return FoundArtifact{origin, named.damage, wanted.sha256};
    const auto exact = [&](fs::path file) { return FoundArtifact{std::move(file), {}, wanted.sha256}; };
    const fs::path carried = seek_.bundle / "artefacts" / wanted.sha256;
    if (digest_of(carried) == wanted.sha256) return exact(carried);
    if (auto kept = seek_.store.find(wanted.sha256)) return exact(*kept);
    if (auto given = find_given(named, wanted, origin)) return given;

    item.hint = "give a copy of it with --artifact FILE, or a folder that has one";
    for (const auto& file : given_)
      if (file.filename() == origin.filename()) {
        item.standing = Standing::differs;
        item.what = different(wanted.sha256, file, digest_of(file, named.damage));
        return FoundArtifact{file, named.damage, wanted.sha256};
      }
    item.standing = Standing::missing;
    item.what = here.empty() ? fmt::format(
                                   "sha256 {} ({} bytes) is nowhere here: not at {}, not in the bundle, not "
                                   "in the artifact store",
                                   wanted.sha256, wanted.size, origin.lexically_normal().string())
                             : different(wanted.sha256, origin, here);
    if (!here.empty())
      item.hint +=
          fmt::format("; other bytes are taken from a file that you name yourself: --artifact {} --anyway",
                      shell_quote(origin.lexically_normal().string()));
    return std::nullopt;
  }

  std::optional<FoundArtifact> find_given(const Named& named, const Recorded& wanted,
                                          const fs::path& origin) const {
    for (const auto& file : given_) {
      std::error_code problem;
      if (fs::file_size(file, problem) == wanted.size && digest_of(file) == wanted.sha256)
        return FoundArtifact{file, {}, wanted.sha256};
      if (named.damage != scenario::Damage::none && file.filename() == origin.filename() &&
          digest_of(file, named.damage) == wanted.sha256)
        return FoundArtifact{file, named.damage, wanted.sha256};
    }
    return std::nullopt;
  }

  // As it was shipped, else put together of files that are kept by their digests.
  std::optional<FoundArtifact> look_for_set(const Named& named, const Recorded& wanted, Item& item) const {
    const fs::path origin = base_ / origin_of(named);
    const std::string here = seek_.work.empty() ? std::string() : digest_of_set(origin, named);
    if (here == wanted.sha256) return FoundArtifact{origin, named.damage, wanted.sha256, named.damaged_file};
    FoundArtifact found{.file = {}, .sha256 = wanted.sha256};
    item.what = put_together(wanted.sha256, found);
    if (item.what.empty()) return found;
    item.standing = Standing::missing;
    if (!here.empty()) item.what = different(wanted.sha256, origin, here) + "; " + item.what;
    item.hint = "give a folder that has its files and its manifest with --artifact DIR";
    return std::nullopt;
  }

  // Why it cannot be done; empty when it is.
  std::string put_together(const std::string& sha256, FoundArtifact& found) const {
    const auto manifest = by_digest(sha256);
    if (!manifest)
      return fmt::format("its manifest, sha256 {}, is neither in the bundle nor in the artifact store",
                         sha256);
    auto files = bundle::files_of_manifest(*manifest, {});
    if (!files) return files.error().what;
    found.parts[sha256] = found.file = *manifest;
    for (auto& file : *files) {
      const auto source = by_digest(file.sha256);
      if (!source)
        return fmt::format("its file '{}', sha256 {}, is neither in the bundle nor in the artifact store",
                           printable(file.name, 200), file.sha256);
      found.parts[file.sha256] = file.source = *source;
    }
    if (seek_.work.empty()) return {};
    found.file = seek_.work / ("set-of-" + sha256);
    std::error_code problem;
    if (fs::exists(found.file, problem)) return {};
    const auto made = bundle::make_folder(found.file, *files);
    return made ? std::string() : made.error().text();
  }

  std::optional<fs::path> by_digest(const std::string& sha256) const {
    const fs::path carried = seek_.bundle / "artefacts" / sha256;
    if (digest_of(carried) == sha256) return carried;
    if (auto kept = seek_.store.find(sha256)) return kept;
    if (!hashed_) {
      hashed_.emplace();
      for (const auto& file : given_) hashed_->emplace(digest_of(file), file);
    }
    const auto given = hashed_->find(sha256);
    return given == hashed_->end() ? std::nullopt : std::optional(given->second);
  }

  // Of its manifest, with the damage; empty when it is not there, or is no content.
  std::string digest_of_set(const fs::path& path, const Named& named) const {
    auto files = bundle::files_of_content(path, {}, seek_.work);
    if (!files) return {};
    for (auto& file : *files) {
      const bool harmed = named.damage != scenario::Damage::none && file.name == named.damaged_file;
      file.sha256 = digest_of(file.source, harmed ? named.damage : scenario::Damage::none);
      if (file.sha256.empty()) return {};
    }
    return sha256(bundle::manifest_of(*files));
  }

  // Empty when there is no such file.
  static std::string digest_of(const fs::path& file, scenario::Damage damage = scenario::Damage::none) {
    std::error_code problem;
    if (!fs::is_regular_file(file, problem)) return {};
    if (damage == scenario::Damage::none) return sha256_file(file).value_or(std::string());
    auto bytes = read_file(file, largest_damaged);
    return bytes ? sha256(plan::damaged(std::move(*bytes), damage)) : std::string();
  }

  const outcome::RunRecord& run_;
  const Seek& seek_;
  std::vector<fs::path> given_;
  fs::path base_;
  mutable std::optional<std::map<std::string, fs::path>> hashed_;  // what was given, once it was asked for
};

Result<Inventory> find_named(const bundle::RecordedRun& run, const std::vector<Named>& wanted,
                             const Seek& seek) {
  auto given = given_files(seek.given);
  if (!given) return fail(given.error());
  const Search search(run, seek, std::move(*given));
  Inventory inventory;
  for (const auto& named : wanted) search.find(named, inventory);
  return inventory;
}

// "kernel_version 6.12.1 instead of 6.12.0": what the facts of two disks of one name say differently.
std::string facts_differing(const outcome::ImageFacts& then, const outcome::ImageFacts& now) {
  using Facts = outcome::ImageFacts;
  std::vector<std::string> parts;
  for (const auto& [name, member] : {std::pair{"kernel_release", &Facts::kernel_release},
                                     {"kernel_version", &Facts::kernel_version},
                                     {"suite", &Facts::suite},
                                     {"recipe", &Facts::key},
                                     {"built", &Facts::built}})
    if (then.*member != now.*member)
      parts.push_back(fmt::format("{} {} instead of {}", name, printable((now.*member).substr(0, 40)),
                                  printable((then.*member).substr(0, 40))));
  if (then.packages_sha256 != now.packages_sha256) parts.emplace_back("other packages");
  return join(parts, ", ");
}

Item image_item(const bundle::RecordedRun& run, const plan::Cell& cell, const image::Store& store) {
  Item item{.thing = Thing::image, .name = cell.image};
  const auto* recorded = run.record.image(cell.image);
  auto here = store.find(cell.image);
  if (!here) {
    item.standing = Standing::missing;
    item.what = here.error().what;
    item.hint = fmt::format(
        "{}{}for the same bytes bring images/{} of the cache of the host that ran it (LABCTL_CACHE, "
        "~/.cache/labctl) into this one's",
        here.error().hint, here.error().hint.empty() ? "" : "; ", cell.image);
  } else if (!recorded) {
    item.standing = Standing::differs;
    item.what = "the run recorded no disk of it";
  } else if (recorded->sha256 != here->sha256) {
    item.standing = Standing::differs;
    item.what = different(printable(recorded->sha256, 64), here->disk, here->sha256);
    const std::string facts = facts_differing(recorded->facts, outcome::facts_from(here->facts.json));
    if (!facts.empty()) item.what += ": " + facts;
    item.hint = fmt::format(
        "the run's own disk is below images/{}/ in the cache of the host that ran it: put that folder at {}",
        cell.image, here->folder.string());
  }
  return item;
}

Item machine_item(const plan::Cell& cell, const fs::path& bundle, const std::optional<fs::path>& disk,
                  machine::Host& host, const fs::path& work) {
  auto shape = snapshot::shape_on(host.facts(), snapshot::shape_of(cell.machine));
  shape.platform = snapshot::platform_of(cell.guest.os);
  Item item{.thing = Thing::machine, .name = plan::shape_in_words(cell.machine)};
  const auto cannot_tell = [&](const std::string& why) {
    item.standing = Standing::differs;
    item.what = why;
    return item;
  };
  auto recorded = read_file(bundle / "cells" / cell.id / "machine.xml", 1u << 20);
  if (!recorded) return cannot_tell("the run recorded no definition of it: the cell was never started");
  if (!disk) return cannot_tell("cannot be compared without its image");
  auto machine = host.create({.name = "labctl-compared",
                              .shape = shape,
                              .accel = host.facts().accel,
                              .disk = *disk,
                              .nvram = work / "compared.nvram"},
                             [](machine::Notification) {});
  if (!machine) {
    item.standing = Standing::missing;
    item.what = machine.error().what;
    item.hint = machine.error().hint;
    return item;
  }
  if (auto difference = machine::definition_difference(*recorded, machine::definition_of(**machine));
      !difference.empty())
    return cannot_tell(difference);
  return item;
}

void add_host(const outcome::HostRecord& then, const machine::HostFacts& now, Inventory& inventory) {
  const auto compare = [&](const char* name, std::string before, const std::string& here) {
    Item item{.thing = Thing::host, .name = name};
    if (before != here) {
      item.standing = Standing::differs;
      item.what = fmt::format("the run had {}, this host has {}",
                              before.empty() ? "nothing recorded" : printable(before, 60),
                              here.empty() ? "none" : here);
    }
    inventory.items.push_back(std::move(item));
    return inventory.items.back().standing != Standing::same;
  };
  if (compare("architecture", then.architecture, now.architecture)) {
    inventory.items.back().standing = Standing::missing;
    inventory.items.back().hint =
        "take the bundle to a host of its own architecture: labctl bundle pack, and unpack there";
  }
  compare("hypervisor", then.hypervisor, now.hypervisor);
  compare("machine type", then.machine_type, now.machine_type);
  if (compare("acceleration", then.accel, machine::to_string(now.accel)))
    inventory.items.back().what += ": " + now.accel_reason;
}

}  // namespace

const char* to_string(Standing standing) {
  switch (standing) {
    case Standing::same:
      return "same";
    case Standing::differs:
      return "differs";
    case Standing::missing:
      return "missing";
  }
  return "?";
}

const char* to_string(Thing thing) {
  switch (thing) {
    case Thing::artifact:
      return "artefact";
    case Thing::image:
      return "image";
    case Thing::machine:
      return "machine";
    case Thing::host:
      return "host";
    case Thing::tool:
      return "tool";
  }
  return "?";
}

bool Inventory::same() const {
  return std::all_of(items.begin(), items.end(),
                     [](const Item& item) { return item.standing == Standing::same; });
}

std::vector<Error> Inventory::missing() const {
  std::vector<Error> errors;
  for (const auto& item : items)
    if (item.standing == Standing::missing)
      errors.push_back(
          {Fault::input,
           fmt::format("the {} '{}{}{}", to_string(item.thing), printable(item.name),
                       item.thing == Thing::host ? "' does not fit: " : "' is not here: ", item.what),
           {},
           item.hint});
  return errors;
}

plan::Cell Inventory::at_hand(plan::Cell cell) const {
  const auto replace = [this](std::string& path, scenario::Damage& damage, std::string& damaged_file) {
    const auto found = artifacts.find(path);
    if (found == artifacts.end()) return;
    std::error_code problem;
    damage = found->second.damage;
    damaged_file = found->second.damaged_file;
    path = scenario::damaged_name(fs::absolute(found->second.file, problem).string(), damage, damaged_file);
  };
  auto none = scenario::Damage::none;
  std::string no_file;
  replace(cell.driver_path, none, no_file);
  for (auto& path : cell.driver_with) replace(path, none, no_file);
  replace(cell.content_path, cell.content_damage, cell.content_damaged_file);
  for (auto* extras : {&cell.extra_drivers, &cell.extra_contents})
    for (auto& extra : *extras) {
      replace(extra.path, extra.damage, extra.damaged_file);
      for (auto& path : extra.with) replace(path, none, no_file);
    }
  return cell;
}

Result<Inventory> find_artifacts(const bundle::RecordedRun& run, const Seek& seek) {
  std::vector<Named> wanted;
  for (const auto& cell : run.record.plan.cells) name_artifacts(cell, wanted);
  return find_named(run, wanted, seek);
}

Result<Inventory> take_inventory(const bundle::RecordedRun& run, const plan::Cell& cell, const Seek& seek,
                                 const image::Store& images, machine::Host& host, const std::string& tool,
                                 const fs::path& work) {
  std::vector<Named> wanted;
  name_artifacts(cell, wanted);
  auto inventory = find_named(run, wanted, seek);
  if (!inventory) return inventory;
  inventory->items.push_back(image_item(run, cell, images));
  std::optional<fs::path> disk;
  if (auto image = images.find(cell.image)) disk = image->disk;
  inventory->items.push_back(machine_item(cell, seek.bundle, disk, host, work));
  add_host(run.record.part(cell.image, cell.machine.name).host, host.facts(), *inventory);
  Item own{.thing = Thing::tool, .name = "labctl"};
  if (const std::string& then = run.record.tool; then != tool) {
    own.standing = Standing::differs;
    own.what = fmt::format("the run was made by '{}', this is '{}'", printable(then, 60), tool);
  }
  inventory->items.push_back(std::move(own));
  return inventory;
}

}  // namespace labctl::reproduction
