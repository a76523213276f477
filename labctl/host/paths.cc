#include "labctl/host/paths.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "labctl/base/text.h"

namespace labctl::host {
namespace {

namespace fs = std::filesystem;

constexpr const char* imported = "imported";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// In a folder that users share, another user could have prepared one.
Result<fs::path> cache_root() {
  if (auto own = variable("LABCTL_CACHE"); !own.empty()) return fs::path(own);
  if (auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return fs::path(xdg) / "labctl";
  if (auto home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache/labctl";
  return input_error("there is no place for the cache: LABCTL_CACHE, XDG_CACHE_HOME and HOME are not set", {},
                     "export LABCTL_CACHE=FOLDER, one that is not there yet");
}

// Recipes stand beside the binary: in the source tree (build/<preset>/bin/labctl) or below the installation
// prefix. Never in the current folder: a recipe is a program, and a checkout's would run as the gate's user.
std::vector<fs::path> built_in_recipes() {
  std::vector<fs::path> folders;
  std::error_code ignored;
  const fs::path here = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const auto& folder : {here / "../../../images", here / "../share/labctl/images"})
    if (fs::is_directory(folder, ignored)) folders.push_back(fs::canonical(folder, ignored));
  return folders;
}

std::vector<fs::path> recipe_folders() {
  std::vector<fs::path> folders;
  for (const auto& folder : split(variable("LABCTL_IMAGES"), ':'))
    if (!folder.empty()) folders.emplace_back(folder);
  for (auto& folder : built_in_recipes()) folders.push_back(std::move(folder));
  return folders;
}

}  // namespace

Result<Paths> paths() {
  const auto found = cache_root();
  if (!found) return fail(found.error());
  const fs::path& root = *found;
  const std::string runtime = variable("LABCTL_RUNTIME");
  auto recipes = recipe_folders();
  recipes.push_back(root / imported);
  return Paths{
      .root = root,
      .recipes = std::move(recipes),
      .store = root / "images",
      .artifacts = root / "artefacts",
      .kept = root / "kept",
      .cache = root / "host",
      .runtime = runtime.empty() ? "/tmp/labctl-" + std::to_string(::getuid()) : runtime,
  };
}

fs::path imported_folder(const Paths& paths) { return paths.root / imported; }

bool is_built_in(const fs::path& recipe) {
  const auto own = built_in_recipes();
  std::error_code ignored;
  const fs::path parent = fs::weakly_canonical(fs::absolute(recipe, ignored).parent_path(), ignored);
  return std::find(own.begin(), own.end(), parent) != own.end();
}

fs::path work_folder(const Paths& paths) { return paths.root / "work" / std::to_string(::getpid()); }

}  // namespace labctl::host
