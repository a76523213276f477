// Which cells failed when a scenario last ran to its end. Only an order of work is taken from it, no verdict.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace labctl::bundle {

// Ids of the cells whose guests failed in the newest finished bundle of this scenario in `out`, by its
// verdict.json as it stands. Empty: there is none, or it cannot be read.
std::set<std::string> last_failures(const std::filesystem::path& out, const std::string& scenario);

}  // namespace labctl::bundle
