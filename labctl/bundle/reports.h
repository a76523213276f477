// A bundle read as the values that reports are made of, and the reports written beside its verdict.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/judge.h"
#include "labctl/report/report.h"

namespace labctl::bundle {

// The verdict with timelines and small pictures. Journals are read one at a
// time and consoles not at all, so it does not matter how much the guests said. A journal that cannot be read
// leaves its cell without a timeline.
// `debug_files`: modules with debug information, besides candidates that are bare modules and still where the
// run took them from; findings in them are resolved to places in the source.
report::Record read_record(const std::filesystem::path& folder, const Judged& judged,
                           const std::vector<std::filesystem::path>& debug_files = {});

// junit.xml, summary.md and report.html in the bundle's folder. Each is tried; what could not be written
// comes back, and the verdict does not depend on it.
std::vector<Error> write_reports(const std::filesystem::path& folder, const Judged& judged,
                                 const std::vector<std::filesystem::path>& debug_files = {});

}  // namespace labctl::bundle
