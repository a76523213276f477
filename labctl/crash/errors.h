// What a kernel's own log says that is no crash and no good word either. The log is read whole and raw, as
// `dmesg -r` gives it: the level of a line stands in front of it, and nothing else is needed to tell that the
// kernel itself calls it an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/crash/crash.h"

namespace labctl::crash {

// The first `most` different lines of level err or worse (0 to 3), without addresses and numbers, in their
// order. What has no level is left out.
std::vector<std::string> logged_errors(std::string_view raw_log, std::size_t most);

// How a program that crashed is called in findings.
std::string title_of_crashed(std::string_view program);

// Programs that the kernel ended for a fault of theirs ("segfault at"): warnings of kind service, each title
// once, at most 50.
std::vector<Finding> crashed_programs(std::string_view raw_log);

}  // namespace labctl::crash
