// The store: <root>/<name>/<key>/{facts.json, disk.qcow2, packages, build.log, snapshots/}. An image is there
// when its facts.json is there, because that file is written last and removed first.
#include "labctl/image/store.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/log.h"
#include "labctl/base/text.h"
#include "labctl/image/transfer.h"

namespace labctl::image {
namespace {

constexpr const char* facts_file = "facts.json";
// What of a half-built folder helps whoever fixes the build, and what it is called beside the images.
constexpr std::pair<const char*, const char*> kept_of_failure[] = {{"build.log", "failed.log"},
                                                                   {"screen.png", "failed-screen.png"}};

// What else stands beside the images of one name.
constexpr const char* own_files[] = {"failed.log", "failed-screen.png", "failed-console.log", ".lock"};

std::string build_command(const std::string& name) { return fmt::format("labctl image build {}", name); }

std::vector<fs::path> folders_in(const fs::path& path) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored))
    if (entry.is_directory(ignored) && !entry.is_symlink(ignored)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

// sixteen digits of a recipe's key, and beside it one that is being built
bool is_image_folder(const fs::path& path) {
  const std::string name = path.extension() == ".partial" ? path.stem().string() : path.filename().string();
  return name.size() == 16 && name.find_first_not_of("0123456789abcdef") == name.npos;
}

std::vector<fs::path> image_folders_in(const fs::path& path) {
  auto folders = folders_in(path);
  std::erase_if(folders, [](const fs::path& folder) { return !is_image_folder(folder); });
  return folders;
}

bool is_whole(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_regular_file(folder / facts_file, ignored);
}

std::uint64_t bytes_in(const fs::path& path) {
  std::error_code ignored;
  std::uint64_t sum = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(path, fs::directory_options::skip_permission_denied, ignored))
    if (entry.is_regular_file(ignored) && !entry.is_symlink(ignored)) sum += entry.file_size(ignored);
  return sum;
}

// Facts and disk as they stand; the disk is looked at, not hashed: that is verify()'s work.
Result<Image> open_image(const Recipe& recipe, const fs::path& folder) {
  const fs::path file = folder / facts_file;
  auto text = read_file(file);
  if (!text) return fail(text.error());
  auto facts = parse_json(*text, file.string());
  if (!facts) return fail(facts.error());
  Image image{.name = recipe.name,
              .os = recipe.os,
              .folder = folder,
              .disk = folder / "disk.qcow2",
              .sha256 = text_at(*facts, "sha256"),
              .facts = facts_from(*facts)};
  if (!is_sha256(image.sha256) || image.facts.key != recipe.key)
    return lab_error("the facts do not belong to this image", file.string());
  std::error_code problem;
  const auto size = fs::file_size(image.disk, problem);
  if (problem) return lab_error(fmt::format("cannot be read: {}", problem.message()), image.disk.string());
  if (static_cast<std::int64_t>(size) != image.facts.disk_bytes)
    return lab_error("does not have the size that its facts record", image.disk.string());
  return image;
}

}  // namespace

Store::Store(std::vector<fs::path> recipes, fs::path root)
    : recipes_(std::move(recipes)), root_(std::move(root)) {}

Result<std::vector<Recipe>> Store::recipes() const {
  std::vector<Recipe> all;
  for (const auto& place : recipes_)
    for (const auto& folder : folders_in(place)) {
      std::error_code ignored;
      if (!fs::exists(folder / "image.yaml", ignored)) continue;
      auto recipe = read_recipe(folder, recipes_);
      if (!recipe) return fail(recipe.error());
      const bool known = *recipe && std::any_of(all.begin(), all.end(), [&](const Recipe& one) {
        return one.name == (*recipe)->name;
      });
      if (*recipe && !known) all.push_back(std::move(**recipe));
    }
  std::sort(all.begin(), all.end(), [](const Recipe& a, const Recipe& b) { return a.name < b.name; });
  return all;
}

Result<Recipe> Store::recipe(const std::string& name) const {
  std::error_code ignored;
  // Only this one recipe is read: a mistake in a neighbour's must not stop a run that does not use it.
  if (!name.empty() && name.find('/') == std::string::npos && name.front() != '.')
    for (const auto& place : recipes_) {
      if (!fs::exists(place / name / "image.yaml", ignored)) continue;
      auto recipe = read_recipe(place / name, recipes_);
      if (!recipe) return fail(recipe.error());
      if (*recipe) return std::move(**recipe);
    }
  std::set<std::string> readable;
  for (const auto& place : recipes_)
    for (const auto& folder : folders_in(place))
      if (auto one = read_recipe(folder, recipes_); one && *one) readable.insert((*one)->name);
  const std::vector<std::string> names(readable.begin(), readable.end());
  std::string hint;
  if (auto meant = did_you_mean(name, names))
    hint = fmt::format("did you mean '{}'?", *meant);
  else if (!names.empty())
    hint = fmt::format("there are: {}", join(names, ", "));
  else
    hint =
        "'labctl image list' shows those there are; recipes are searched in the folders of LABCTL_IMAGES and "
        "next to labctl";
  return input_error(fmt::format("there is no image '{}'", printable(name)), {}, hint);
}

// Sixteen digits keep the paths short; open_image() compares the whole key.
fs::path Store::folder(const Recipe& recipe) const { return root_ / recipe.name / recipe.key.substr(0, 16); }

State Store::state(const Recipe& recipe) const {
  const fs::path own = folder(recipe);
  if (is_whole(own)) return open_image(recipe, own) ? State::built : State::damaged;
  for (const auto& other : folders_in(root_ / recipe.name))
    if (is_whole(other)) return State::outdated;
  return State::absent;
}

Result<Image> Store::find(const std::string& name) const {
  auto known = recipe(name);
  if (!known) return fail(known.error());
  switch (state(*known)) {
    case State::built:
      return open_image(*known, folder(*known));
    case State::absent:
      return input_error(fmt::format("the image '{}' is not built", name), {}, build_command(name));
    case State::outdated:
      return input_error(fmt::format("the image '{}' was built from an older recipe", name), {},
                         build_command(name));
    case State::damaged:
      break;
  }
  auto image = open_image(*known, folder(*known));
  if (image) return image;  // repaired in the meantime
  Error error = image.error();
  error.hint = build_command(name);
  return because(error, fmt::format("the image '{}' is damaged", name));
}

Result<Image> Store::build(const std::string& name, const Progress& progress, std::stop_token stop,
                           const BuildInputs& inputs) const {
  auto known = recipe(name);
  if (!known) return fail(known.error());
  if (state(*known) == State::built) return open_image(*known, folder(*known));
  if (auto able = check_build(*known, root_); !able)
    return because(able.error(), fmt::format("cannot build the image '{}'", name));

  const fs::path home = root_ / name;
  if (auto made = make_dirs(home); !made) return fail(made.error());
  auto lock = Lock::try_take(home / ".lock");
  for (bool told = false; !lock; lock = Lock::try_take(home / ".lock")) {
    if (!told) progress(fmt::format("image {}: another build of it runs; waiting for that one", name));
    told = true;
    if (stop.stop_requested())
      return fail({Fault::interrupted, "interrupted while waiting for another build", {}, {}});
    if (::access((home / ".lock").c_str(), W_OK) != 0) return fail(lock.error());  // not a matter of time
    sleep_for_a_moment();
  }
  // Whoever held the lock has perhaps made it.
  if (state(*known) == State::built) return open_image(*known, folder(*known));

  const fs::path half = home / (known->key.substr(0, 16) + ".partial");
  const fs::path whole = folder(*known);
  for (const auto& old : {half, whole})
    if (auto removed = discard(root_, old); !removed) return fail(removed.error());
  auto built = build_disk(*known, half, inputs, progress, stop);
  if (!built) {
    std::error_code ignored;
    for (const auto& [left, kept] : kept_of_failure) fs::rename(half / left, home / kept, ignored);
    log::ignored(discard(root_, half), "removing what a failed build left");
    if (built.error().fault == Fault::interrupted) return fail(built.error());
    Error error = built.error();
    if (fs::exists(home / "failed.log", ignored)) error.where = (home / "failed.log").string();
    if (fs::exists(home / "failed-screen.png", ignored))
      error.what += fmt::format("; its last screen is {}", (home / "failed-screen.png").string());
    return because(error, fmt::format("cannot build the image '{}'", name));
  }
  if (auto renamed = rename_synced(half, whole); !renamed) return fail(renamed.error());
  std::error_code ignored;
  for (const auto& [left, kept] : kept_of_failure) fs::remove(home / kept, ignored);
  return open_image(*known, whole);
}

namespace {

// Why what was fetched is not the image that was asked for.
Status check_adopted(const Recipe& recipe, const std::string& sha256, const fs::path& folder) {
  const fs::path disk = folder / "disk.qcow2";
  if (auto alone = check_self_contained(disk); !alone) return alone;
  auto text = read_file(folder / "image.json", 1u << 20);
  auto facts = text ? parse_json(*text, (folder / "image.json").string()) : Result<Json>(fail(text.error()));
  if (!facts) return fail(facts.error());
  if (text_at(*facts, "sha256") != sha256)
    return input_error(
        fmt::format("its facts are of another disk: sha256 {}", printable(text_at(*facts, "sha256"), 64)));
  if (text_at(*facts, "key") != recipe.key)
    return input_error("it was built from another recipe than the one of this host", recipe.folder.string(),
                       "bring the recipe with LABCTL_IMAGES, or use the same labctl on both hosts");
  auto digest = sha256_file(disk);
  if (!digest) return fail(digest.error());
  if (*digest != sha256)
    return input_error(fmt::format("its sha256 is {}, and not {}", *digest, sha256), disk.string());
  return write_file(folder / facts_file, *text);
}

}  // namespace

Result<Image> Store::adopt(const std::string& name, const std::string& sha256,
                           const std::function<Status(const fs::path&)>& fill) const {
  auto known = recipe(name);
  if (!known) return fail(known.error());
  const fs::path home = root_ / name, whole = folder(*known);
  if (auto made = make_dirs(home); !made) return fail(made.error());
  auto lock = Lock::try_take(home / ".lock");
  if (!lock)
    return because(lock.error(), fmt::format("the image '{}' is being built, or cannot be changed", name));
  if (auto there = open_image(*known, whole)) {
    if (there->sha256 == sha256) return there;
    return input_error(
        fmt::format("the image '{}' is here with another disk: sha256 {}", name, there->sha256),
        whole.string(), fmt::format("labctl image rm {}, when no run uses it", name));
  }
  const fs::path half = home / (known->key.substr(0, 16) + ".partial");
  if (auto made = make_dirs(half); !made) return fail(made.error());
  if (auto filled = fill(half); !filled) return fail(filled.error());
  if (auto good = check_adopted(*known, sha256, half); !good) {
    log::ignored(discard(root_, half), "removing an image that was refused");
    return because(good.error(), fmt::format("the image '{}' is refused", name));
  }
  std::error_code ignored;
  fs::remove(half / "image.json", ignored);
  fs::permissions(half / "disk.qcow2", fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read,
                  ignored);
  if (auto gone = discard(root_, whole); !gone) return fail(gone.error());
  if (auto renamed = rename_synced(half, whole); !renamed) return fail(renamed.error());
  return open_image(*known, whole);
}

Status Store::verify(const Image& image) const {
  auto digest = sha256_file(image.disk);
  if (!digest) return fail(digest.error());
  if (*digest == image.sha256) return {};
  return lab_error(fmt::format("its sha256 is {}, but it was built with {}", *digest, image.sha256),
                   image.disk.string(), "labctl image rm " + image.name + " && " + build_command(image.name));
}

Status Store::remove(const std::string& name) const {
  if (name.empty() || name.find('/') != std::string::npos || name.front() == '.')
    return input_error(fmt::format("there is no image '{}'", printable(name)));
  const fs::path home = root_ / name;
  std::error_code ignored;
  if (!fs::exists(home, ignored)) {  // nothing is built; a name that means nothing is still a mistake
    auto known = recipe(name);
    return known ? Status() : fail(known.error());
  }
  auto lock = Lock::try_take(home / ".lock");
  if (!lock)
    return because(lock.error(), fmt::format("the image '{}' is being built, or cannot be changed", name));
  for (const auto& old : image_folders_in(home))
    if (auto removed = discard(root_, old); !removed) return removed;
  for (const char* file : own_files) fs::remove(home / file, ignored);
  if (!fs::is_empty(home, ignored))
    return lab_error("holds what is not of an image, and stays", home.string());
  return remove_below(root_, home);
}

Status Store::take_back(const Image& image) const {
  auto lock = Lock::wait(root_ / image.name / ".lock");
  if (!lock) return fail(lock.error());
  return discard(root_, image.folder);
}

fs::path Store::snapshot_dir(const Image& image) const { return image.folder / "snapshots"; }

Result<std::uint64_t> Store::collect() const {
  std::uint64_t freed = 0;
  for (const auto& home : folders_in(root_)) {
    if (image_folders_in(home).empty()) continue;
    auto lock = Lock::try_take(home / ".lock");
    if (!lock) continue;  // a build is at work there
    for (const auto& folder : image_folders_in(home)) {
      if (is_whole(folder)) continue;
      freed += bytes_in(folder);
      if (auto removed = discard(root_, folder); !removed) return fail(removed.error());
    }
  }
  return freed;
}

Status discard(const fs::path& root, const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder, ignored)) return {};
  fs::remove(folder / facts_file, ignored);
  return remove_below(root, folder);
}

}  // namespace labctl::image
