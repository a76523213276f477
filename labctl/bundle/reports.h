// A bundle read as the values that reports are made of, and the reports written beside its verdict.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/judge_once.h"
#include "labctl/report/report.h"

namespace labctl::bundle {

// What reports tell of cells' lives, by the cells' ids. Taken from journals while judge_bundle() reads them,
// it saves reading each of them again.
using Lives = std::map<std::string, report::CellRecord>;
OnJournal lives_into(Lives& lives);

// The verdict with timelines and small pictures. Journals are read one at a
// time and consoles not at all, so it does not matter how much the guests said. A journal that cannot be read
// leaves its cell without a timeline.
// `debug_files`: modules with debug information, besides candidates that are bare modules and still where the
// run took them from; findings in them are resolved to places in the source.
// `lives`: of cells that are in it the journal is not read.
report::Record read_record(const std::filesystem::path& folder, const Judged& judged,
                           const std::vector<std::filesystem::path>& debug_files = {}, Lives lives = {});

// junit.xml, summary.md and report.html in the bundle's folder. Each is tried; what could not be written
// comes back, and the verdict does not depend on it.
std::vector<Error> write_reports(const std::filesystem::path& folder, const Judged& judged,
                                 const std::vector<std::filesystem::path>& debug_files = {},
                                 Lives lives = {});

}  // namespace labctl::bundle
