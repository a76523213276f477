// Packages that a guest lacks, by name: resolved and fetched on this host from the archive of the guest's own
// release, with all that they need. The guest, which has no network, installs of them what it does not have.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::image {

// A name of a package as apt and dnf take it, and no option, path or pattern of theirs.
bool is_package_name(const std::string& name);

struct PackageSet {
  std::vector<std::string> names;  // none: there is no such set
  std::filesystem::path sources;   // apt's .sources or .list, or dnf's .repo
};

// The files, in `work`, an empty folder. apt and dnf verify them by the keys that `sources` names. Errors:
// input's when the sources are no good, ask to trust without a signature, or do not have the packages; lab's
// when apt or dnf is missing or the archive does not answer.
Result<std::vector<std::filesystem::path>> fetch_packages(const PackageSet& set,
                                                          const std::filesystem::path& work,
                                                          const std::stop_token& stop);

}  // namespace labctl::image
