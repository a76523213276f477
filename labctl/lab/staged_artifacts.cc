#include "labctl/lab/staged_artifacts.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/units.h"
#include "labctl/bundle/set_archive.h"
#include "labctl/guest/guest.h"
#include "labctl/plan/kernels.h"

namespace labctl::lab {
namespace {

// What one cell's CD holds: name on the CD -> path as the scenario says it, and where it says so.
struct Wanted {
  std::string path;  // what the artifact is called: a damaged one by its origin and its damage
  scenario::Mark mark;
  scenario::Damage damage = scenario::Damage::none;
  std::string damaged_file;
  bool folder = false;   // it is several files: a folder's, or an archive's
  std::string kernel;    // that it was chosen by
  bool package = false;  // by which the guest's system is updated

  bool archive() const { return folder && bundle::is_archive_name(origin().string()); }
  fs::path origin() const {
    const auto suffix = scenario::damaged_name({}, damage, damaged_file);
    return path.ends_with(suffix) ? path.substr(0, path.size() - suffix.size()) : path;
  }
};

std::map<std::string, Wanted> wanted_files(const plan::Cell& cell) {
  std::map<std::string, Wanted> files;
  const bool folder = cell.guest.content && cell.guest.content->is_folder();
  for (const auto& given : plan::given_to(cell)) {
    Wanted wanted{
        .path = given.path, .mark = given.mark, .damage = given.damage, .damaged_file = given.damaged_file};
    switch (given.of) {
      case plan::Given::Of::driver:
        wanted.kernel = cell.kernel;
        files[guest::driver_file(cell.guest.driver, given.label, given.place)] = std::move(wanted);
        break;
      case plan::Given::Of::content:
        wanted.folder = folder;
        files[folder ? guest::manifest_file(given.label) : guest::content_file(given.label)] =
            std::move(wanted);
        break;
      case plan::Given::Of::update:
        wanted.package = true;
        files[guest::update_file(given.path, given.place)] = std::move(wanted);
        break;
    }
  }
  return files;
}

// As a package manager will tell by its first bytes; what else is wrong with it, the control shows.
Status check_package(const fs::path& file, const std::string& path, const std::string& where) {
  constexpr std::string_view deb = "!<arch>\ndebian-binary", rpm = "\xed\xab\xee\xdb";
  const std::string_view wanted = path.ends_with(".rpm") ? rpm : deb;
  std::string head(wanted.size(), '\0');
  std::ifstream in(file, std::ios::binary);
  if (in.read(head.data(), static_cast<std::streamsize>(head.size())) && head == wanted) return {};
  return input_error(
      fmt::format("is not {} package: {}", wanted == rpm ? "an rpm" : "a Debian", file.string()), where,
      "what 'update package' installs is one .deb or .rpm of the guest's system");
}

// What a guest is given of it, whole: of a set how many files, too.
struct Weight {
  std::uint64_t bytes = 0;
  std::size_t files = 1;
};

Result<Weight> weigh(const Wanted& wanted, const fs::path& base, const std::string& where) {
  const fs::path source = base / wanted.origin();
  if (!wanted.folder) {
    const auto size = size_of_file(source, where, wanted.kernel);
    if (!size) return fail(size.error());
    if (wanted.package)
      if (const auto good = check_package(source, wanted.path, where); !good) return fail(good.error());
    return Weight{*size};
  }
  if (wanted.archive())
    if (const auto size = size_of_file(source, where); !size) return fail(size.error());
  const auto files =
      wanted.archive() ? bundle::files_of_archive(source, where) : bundle::files_of_set({source}, where);
  if (!files) return fail(files.error());
  if (auto known = knows_damaged_file(*files, wanted.damaged_file, where); !known) return fail(known.error());
  Weight all{0, files->size()};
  for (const auto& file : *files) all.bytes += file.size;
  return all;
}

host::Check lacking(const std::string& name, const Error& error) {
  return {name, host::Health::error, error.where.empty() ? error.what : error.where + ": " + error.what,
          error.hint};
}

// In the guest everything is copied from the CD, and content once more to its path. What of its disk the
// image has not written can be free, and no more.
std::optional<host::Check> check_room(const plan::Cell& cell, std::uint64_t bytes,
                                      const image::Image& image) {
  const auto size = image.facts.disk_size, used = image.facts.disk_bytes;
  if (size <= 0 || used < 0) return std::nullopt;
  const auto free = static_cast<std::uint64_t>(std::max<std::int64_t>(0, size - used));
  if (bytes <= free) return std::nullopt;
  return host::Check{
      fmt::format("space in {}", cell.image), host::Health::error,
      fmt::format("cell {} copies {} into its guest, and at most {} of the image's disk are free", cell.id,
                  show_size(bytes), show_size(free)),
      "give the image a larger disk (disk: in its image.yaml) and build it again"};
}

// The same bytes under two labels: a comparison that compares nothing.
std::vector<host::Check> check_same_bytes(const std::map<std::string, fs::path>& files) {
  std::vector<host::Check> checks;
  std::map<std::string, std::string> first;  // by digest
  for (const auto& [path, file] : files) {
    const auto digest = sha256_file(file);
    if (!digest) continue;
    const auto [known, is_new] = first.emplace(*digest, path);
    if (!is_new)
      checks.push_back(
          {fmt::format("artifact {}", path), host::Health::warning,
           fmt::format("has the same bytes as {}, so nothing is compared between them", known->second), ""});
  }
  return checks;
}

}  // namespace

std::vector<host::Check> check_artifacts(const plan::Plan& plan, const std::string& scenario_file,
                                         const image::Store& store) {
  std::vector<host::Check> checks;
  std::map<std::string, image::Image> images;
  for (const auto& name : plan.images()) {
    auto found = store.find(name);
    if (found)
      images.emplace(name, std::move(*found));
    else
      checks.push_back(lacking(fmt::format("image {}", name), found.error()));
  }
  const fs::path base = fs::path(scenario_file).parent_path();
  std::map<std::string, std::uint64_t> sizes;  // 0: cannot be given to a guest
  std::map<std::string, fs::path> intact;
  std::set<std::string> full;
  for (const auto& cell : plan.cells) {
    std::uint64_t bytes = 0, content = 0;
    for (const auto& [name, wanted] : wanted_files(cell)) {
      if (plan::lacks_kernel(cell) && name.starts_with("driver")) continue;  // known with the image
      if (sizes.count(wanted.path) == 0) {
        const auto weight = weigh(wanted, base, scenario::at(scenario_file, wanted.mark));
        if (!weight) checks.push_back(lacking(fmt::format("artifact {}", wanted.path), weight.error()));
        sizes[wanted.path] = weight ? weight->bytes : 0;
        if (weight && wanted.folder)
          checks.push_back(
              {fmt::format("artifact {}", wanted.path), host::Health::ok,
               fmt::format("{} content {} of {}, {}", weight->files, weight->files == 1 ? "file" : "files",
                           wanted.path, show_size(weight->bytes)),
               ""});
        if (weight && wanted.damage == scenario::Damage::none && !wanted.folder && !wanted.package)
          intact[wanted.path] = base / wanted.origin();
      }
      if (!wanted.folder) bytes += sizes[wanted.path];  // its files go straight to their place
      if (name.starts_with("content")) content = std::max(content, sizes[wanted.path]);
    }
    const auto image = images.find(cell.image);
    if (image == images.end() || full.count(cell.image) != 0) continue;
    if (auto check = check_room(cell, bytes + content, image->second)) {
      full.insert(cell.image);
      checks.push_back(std::move(*check));
    }
  }
  for (auto& check : check_same_bytes(intact)) checks.push_back(std::move(check));
  return checks;
}

tl::expected<StagedArtifacts, std::vector<Error>> StagedArtifacts::gather(const plan::Plan& plan,
                                                                          const std::string& scenario_file,
                                                                          const image::Store& store,
                                                                          const fs::path& work,
                                                                          const Sources& sources) {
  StagedArtifacts staged;
  std::vector<Error> mistakes;
  const fs::path base = fs::path(scenario_file).parent_path();
  const fs::path copies = work / "artefacts";
  if (auto made = make_dirs(copies); !made) return tl::unexpected(std::vector{made.error()});

  for (const auto& name : plan.images())
    if (auto found = store.find(name); !found) mistakes.push_back(found.error());

  std::set<std::string> missing;
  for (const auto& cell : plan.cells) {
    CellArtifacts mine;
    std::vector<image::PayloadFile> on_cd;
    std::string key;
    for (const auto& [name, wanted] : wanted_files(cell)) {
      if (staged.artifacts_.count(wanted.path) == 0 && missing.count(wanted.path) == 0) {
        const std::string where = scenario::at(scenario_file, wanted.mark);
        const auto given = sources.find(wanted.path);
        const fs::path source = given == sources.end() ? base / wanted.origin() : given->second;
        auto artifact = wanted.folder ? staged.take_set({.source = source,
                                                         .path = wanted.path,
                                                         .where = where,
                                                         .copies = copies,
                                                         .archive = wanted.archive(),
                                                         .damage = wanted.damage,
                                                         .damaged_file = wanted.damaged_file},
                                                        sources)
                                      : take({.source = source,
                                              .where = where,
                                              .work = copies,
                                              .damage = wanted.damage,
                                              .kernel = wanted.kernel});
        if (artifact && wanted.package)
          if (const auto good = check_package(source, wanted.path, where); !good)
            artifact = fail(good.error());
        if (artifact)
          staged.artifacts_[wanted.path] = *artifact;
        else {
          mistakes.push_back(artifact.error());
          missing.insert(wanted.path);
        }
      }
      if (missing.count(wanted.path) != 0) continue;
      const std::string digest = staged.artifacts_[wanted.path].sha256;
      mine.files[name] = digest;
      on_cd.push_back({name, copies / digest});
      key += name + "=" + digest + "\n";
      if (!wanted.folder) continue;
      const std::string tar = guest::tar_of(name);
      mine.files[tar] = staged.tars_[wanted.path];
      on_cd.push_back({tar, copies / mine.files[tar]});
    }
    if (missing.empty()) {
      staged.tie(cell, scenario_file, mine);
      staged.look_who_signed(cell, scenario_file, work / "signed");
    }
    if (!on_cd.empty() && missing.empty()) {
      mine.payload = work / ("payload-" + sha256(key).substr(0, 16) + ".iso");
      const bool joliet = guest::system_of(cell.guest.os).traits().wants_joliet;
      if (!fs::exists(mine.payload))
        if (auto made = image::make_payload_cd(mine.payload, on_cd, joliet); !made)
          mistakes.push_back(made.error());
    }
    staged.cells_[cell.id] = std::move(mine);
  }
  if (!mistakes.empty()) return tl::unexpected(std::move(mistakes));
  return staged;
}

std::vector<outcome::ArtifactRecord> StagedArtifacts::artifacts() const {
  std::vector<outcome::ArtifactRecord> list;
  for (const auto& [path, artifact] : artifacts_)
    list.push_back({path, artifact.sha256, artifact.size, artifact.archive});
  return list;
}

Result<std::vector<outcome::SplitArtifact>> StagedArtifacts::keep_sources(const bundle::ArtifactStore& store,
                                                                          const fs::path& work) const {
  std::vector<outcome::SplitArtifact> list;
  for (const auto& [path, artifact] : artifacts_) {
    list.push_back({path, artifact.sha256, artifact.size, artifact.source_sha256, artifact.archive});
    fs::path copy = artifact.source_copy.empty() ? artifact.copy : artifact.source_copy;
    if (artifact.source_copy.empty() && artifact.source_sha256 != artifact.sha256) {  // damaged on purpose
      copy = work / artifact.source_sha256;
      std::error_code problem;
      fs::copy_file(artifact.source, copy, fs::copy_options::overwrite_existing, problem);
      auto digest = problem ? lab_error(fmt::format("cannot be copied: {}", problem.message()),
                                        artifact.source.string())
                            : sha256_file(copy);
      if (!digest) return fail(digest.error());
      if (*digest != artifact.source_sha256)
        return input_error(fmt::format("the artifact {} is being changed", path), artifact.source.string(),
                           "split when nothing writes to it");
    }
    if (auto kept = store.keep(copy, artifact.source_sha256); !kept) return fail(kept.error());
  }
  return list;
}

std::vector<Error> StagedArtifacts::keep(const bundle::ArtifactStore& store) const {
  std::vector<Error> problems;
  for (const auto& [path, artifact] : artifacts_)
    if (auto kept = store.keep(artifact.copy, artifact.sha256); !kept) problems.push_back(kept.error());
  return problems;
}

std::vector<std::string> StagedArtifacts::links() const {
  std::vector<std::string> sentences;
  for (const auto& [path, artifact] : artifacts_)
    if (!artifact.target.empty())
      sentences.push_back(
          fmt::format("the artifact {} is a symbolic link: what is tested is {}, and 'labctl verify' takes "
                      "that file alone",
                      path, artifact.target.string()));
  return sentences;
}

std::vector<std::string> StagedArtifacts::changed() const {
  std::vector<std::string> sentences;
  for (const auto& [path, artifact] : artifacts_) {
    if (artifact.source == artifact.copy || artifact.source == artifact.source_copy) continue;
    std::error_code none;
    const bool folder = fs::is_directory(artifact.source, none);
    auto now = folder ? bundle::set_sha256({artifact.source}) : sha256_file(artifact.source);
    if (!now)
      sentences.push_back(fmt::format("the artifact {} was removed after the run began", path));
    else if (*now != artifact.source_sha256)
      sentences.push_back(
          fmt::format("the artifact {} was modified during the run: tested was sha256 {}, there is {}", path,
                      artifact.source_sha256, *now));
  }
  return sentences;
}

}  // namespace labctl::lab
