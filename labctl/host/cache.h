// Whose folder the cache is. Runs remove what is old in it, so labctl uses none that it did not make: its own
// ones have a marker, CACHEDIR.TAG as https://bford.info/cachedir/ describes it, with a line of labctl's.
#pragma once

#include <filesystem>

#include "labctl/base/result.h"

namespace labctl::host {

// Whether labctl may use `root`: it is not there yet, or trusted (base/private_folder.h) and marked or
// without anything but what labctl keeps in a cache. The error's hint is the command that settles it. Changes
// nothing.
Status check_cache(const std::filesystem::path& root);

// The same, and then it is there, marked, with mode 0700.
Status claim_cache(const std::filesystem::path& root);

}  // namespace labctl::host
