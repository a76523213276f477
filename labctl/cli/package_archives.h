// The Debian package archives that images are built from, asked for their kernels.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/host/paths.h"
#include "labctl/image/archive.h"

namespace labctl::cli {

// The kernels of each suite, by its name. Says which one is being read; Ctrl-C ends it. Errors: those of
// image::read_archive().
Result<std::map<std::string, std::vector<image::ArchiveKernel>>> read_archives(
    const std::set<std::string>& suites, const host::Paths& paths);

}  // namespace labctl::cli
