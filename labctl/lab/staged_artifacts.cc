#include "labctl/lab/staged_artifacts.h"

#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/units.h"
#include "labctl/bundle/file_set.h"
#include "labctl/guest/guest.h"
#include "labctl/plan/damage.h"
#include "labctl/plan/kernels.h"

namespace labctl::lab {
namespace {

constexpr std::uint64_t largest_artifact = 2ull << 30;

// What one cell's CD holds: name on the CD -> path as the scenario says it, and where it says so.
struct Wanted {
  std::string path;  // what the artifact is called: a damaged one by its origin and its damage
  scenario::Mark mark;
  scenario::Damage damage = scenario::Damage::none;
  bool folder = false;   // its files are the content
  std::string kernel;    // that it was chosen by
  bool package = false;  // by which the guest's system is updated

  fs::path origin() const {
    const auto suffix = scenario::damaged_name({}, damage);
    return path.ends_with(suffix) ? path.substr(0, path.size() - suffix.size()) : path;
  }
};

std::map<std::string, Wanted> wanted_files(const plan::Cell& cell) {
  std::map<std::string, Wanted> files;
  const bool folder = cell.guest.content && cell.guest.content->is_folder();
  for (const auto& given : plan::given_to(cell)) {
    Wanted wanted{.path = given.path, .mark = given.mark, .damage = given.damage};
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

// In the place of the copy; its new digest. What damage leaves as it was would prove nothing under its name.
Result<std::string> damage_copy(const fs::path& copy, scenario::Damage damage, const std::string& before,
                                const std::string& where) {
  constexpr std::uint64_t largest = 256u << 20;
  if (fs::file_size(copy) > largest)
    return input_error("content of more than 256 MiB cannot be damaged here", where);
  auto bytes = read_file(copy);
  if (!bytes) return fail(bytes.error());
  const std::string changed = plan::damaged(std::move(*bytes), damage);
  std::string digest = sha256(changed);
  if (digest == before)
    return input_error(fmt::format("content that is {} is the content itself", to_string(damage)), where,
                       "leave this variant out");
  if (auto written = write_file(copy, changed); !written) return fail(written.error());
  return digest;
}

// Its size, when it is a file that guests can be given.
Result<std::uint64_t> size_of(const fs::path& source, const std::string& where,
                              const std::string& kernel = {}) {
  std::error_code problem;
  if (!fs::exists(source, problem))
    return input_error(
        fmt::format("the artifact does not exist: {}", source.lexically_normal().string()), where,
        kernel.empty() ? "build it, or correct the path, which is relative to the scenario's folder"
                       : fmt::format("build it for the kernel {}; 'labctl image kernels' lists what to "
                                     "build for",
                                     kernel));
  if (fs::is_directory(source, problem))
    return input_error(
        fmt::format("is a folder: {}", source.string()), where,
        "content that is a folder goes to one: content: {path: /var/lib/x/}, with a '/' at its end");
  if (!fs::is_regular_file(source, problem))
    return input_error(fmt::format("is not a file: {}", source.string()), where);
  const auto size = fs::file_size(source, problem);
  if (problem || size == 0)
    return input_error(fmt::format("the artifact is empty or unreadable: {}", source.string()), where);
  if (size > largest_artifact)
    return input_error(fmt::format("the artifact is larger than 2 GiB: {}", source.string()), where);
  return size;
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

// Copied first and hashed then: the digest is of the very bytes that go into the guests.
Result<Artifact> take(const fs::path& source, scenario::Damage damage, const std::string& where,
                      const fs::path& work, bool may_be_empty = false, const std::string& kernel = {}) {
  std::error_code problem;
  const auto size =
      may_be_empty ? Result<std::uint64_t>(fs::file_size(source, problem)) : size_of(source, where, kernel);
  if (!size) return fail(size.error());
  const fs::path copy = work / "incoming";
  if (!fs::copy_file(source, copy, fs::copy_options::overwrite_existing, problem) || problem)
    return input_error(fmt::format("the artifact cannot be read: {}: {}", problem.message(), source.string()),
                       where);
  auto digest = sha256_file(copy);
  if (!digest) return fail(digest.error());
  Artifact artifact{.source = source, .sha256 = *digest, .size = *size, .source_sha256 = *digest};
  if (fs::is_symlink(source, problem)) artifact.target = fs::canonical(source, problem);
  if (damage != scenario::Damage::none) {
    auto changed = damage_copy(copy, damage, *digest, where);
    if (!changed) return fail(changed.error());
    artifact.sha256 = *changed;
    artifact.size = fs::file_size(copy);
  }
  artifact.copy = work / artifact.sha256;
  fs::rename(copy, artifact.copy, problem);
  if (problem) return lab_error(fmt::format("cannot keep a copy: {}", problem.message()), work.string());
  return artifact;
}

// What a guest is given of it, whole.
Result<std::uint64_t> size_of(const Wanted& wanted, const fs::path& base, const std::string& where) {
  if (!wanted.folder) {
    auto size = size_of(base / wanted.origin(), where, wanted.kernel);
    if (!size || !wanted.package) return size;
    if (const auto good = check_package(base / wanted.origin(), wanted.path, where); !good)
      return fail(good.error());
    return size;
  }
  const auto files = bundle::files_of_set({base / wanted.path}, where);
  if (!files) return fail(files.error());
  std::uint64_t size = 0;
  for (const auto& file : *files) size += file.size;
  return size;
}

// "channels" and "a.bin": "channels/a.bin".
std::string below(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
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
        const auto size = size_of(wanted, base, scenario::at(scenario_file, wanted.mark));
        if (!size) checks.push_back(lacking(fmt::format("artifact {}", wanted.path), size.error()));
        sizes[wanted.path] = size.value_or(0);
        if (size && wanted.damage == scenario::Damage::none && !wanted.folder && !wanted.package)
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
        auto artifact = wanted.folder ? staged.take_folder(source, wanted.path, where, copies, sources)
                                      : take(source, wanted.damage, where, copies, false, wanted.kernel);
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

// Every file of it is an artifact of its own, and the folder one whose bytes are its manifest.
Result<Artifact> StagedArtifacts::take_folder(const fs::path& folder, const std::string& path,
                                              const std::string& where, const fs::path& copies,
                                              const Sources& sources) {
  auto files = sources.count(path) == 0 ? bundle::files_of_set({folder}, where)
                                        : bundle::files_of_manifest(folder, where);
  if (!files) return fail(files.error());
  Artifact whole{.source = folder};
  for (auto& file : *files) {
    if (const auto given = sources.find(below(path, file.name)); given != sources.end())
      file.source = given->second;
    auto taken = take(file.source, scenario::Damage::none, where, copies, true);
    if (!taken) return taken;
    file.source = taken->copy;
    file.sha256 = taken->sha256;
    file.size = taken->size;
    whole.size += taken->size;
    artifacts_[below(path, file.name)] = std::move(*taken);
  }
  const std::string manifest = bundle::manifest_of(*files);
  whole.sha256 = whole.source_sha256 = sha256(manifest);
  whole.copy = copies / whole.sha256;
  if (auto written = write_file(whole.copy, manifest); !written) return fail(written.error());
  const fs::path tar = copies / (whole.sha256 + ".tar");
  if (auto written = bundle::write_tar(tar, *files); !written) return fail(written.error());
  auto digest = sha256_file(tar);
  if (!digest) return fail(digest.error());
  std::error_code problem;
  fs::rename(tar, copies / *digest, problem);
  if (problem) return lab_error(fmt::format("cannot keep a copy: {}", problem.message()), copies.string());
  tars_[path] = *digest;
  return whole;
}

std::vector<outcome::ArtifactRecord> StagedArtifacts::artifacts() const {
  std::vector<outcome::ArtifactRecord> list;
  for (const auto& [path, artifact] : artifacts_) list.push_back({path, artifact.sha256, artifact.size});
  return list;
}

Result<std::vector<outcome::SplitArtifact>> StagedArtifacts::keep_sources(const bundle::ArtifactStore& store,
                                                                          const fs::path& work) const {
  std::vector<outcome::SplitArtifact> list;
  for (const auto& [path, artifact] : artifacts_) {
    list.push_back({path, artifact.sha256, artifact.size, artifact.source_sha256});
    fs::path copy = artifact.copy;
    if (artifact.source_sha256 != artifact.sha256) {  // the copy was damaged on purpose
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
