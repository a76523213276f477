// Where labctl keeps things on this host. Nothing outside these paths is ever written, but for the bundle.
#pragma once

#include <filesystem>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::host {

struct Paths {
  std::filesystem::path root;                  // the cache, with the next four in it (host/cache.h)
  std::vector<std::filesystem::path> recipes;  // folders that hold <image>/image.yaml
  std::filesystem::path store;                 // golden disks and live snapshots: large, can be made again
  std::filesystem::path artifacts;             // what guests were given, by digest
  std::filesystem::path kept;                  // machines kept at a moment of their story
  std::filesystem::path cache;                 // small things worth keeping: capabilities, acceleration proof
  std::filesystem::path runtime;               // private libvirt roots and cells' disks of runs under way
};

// LABCTL_CACHE (else XDG_CACHE_HOME/labctl, else ~/.cache/labctl) is the cache, LABCTL_IMAGES adds recipe
// folders, LABCTL_RUNTIME (else /tmp/labctl-UID) holds what lives only as long as a run. The runtime path
// must be short: it leads to unix sockets, whose names end at 108 bytes. Errors (input): none of the three
// names a cache.
Result<Paths> paths();

// Vendors' disks with the recipes that `image import` wrote, in the cache; the last of Paths::recipes.
std::filesystem::path imported_folder(const Paths& paths);

// Whether a recipe's folder is one of labctl's own, and not of LABCTL_IMAGES.
bool is_built_in(const std::filesystem::path& recipe);

// Where cells' disks of this very run go: below the store, because they are large; named after the process,
// so that what a killed run left behind can be told from what is in use.
std::filesystem::path work_folder(const Paths& paths);

}  // namespace labctl::host
