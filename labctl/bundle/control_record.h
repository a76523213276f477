// The records of a control that another run made, as a bundle holds them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "labctl/base/result.h"
#include "labctl/verdict/verdict.h"

namespace labctl::bundle {

// In the folder of a control's records: when they were made, and by which run.
inline constexpr const char* control_file = "control.json";

// How long a proof holds.
inline constexpr std::int64_t fresh_seconds = 7 * 24 * 3600;

// Whether a proof of the moment `made` still holds at `now`; both in seconds since 1970.
bool is_fresh(std::int64_t made, std::int64_t now);

// Where a control's records come from: nothing when they are this run's own. Errors: they say that they are
// kept ones, and do not say when they were made, or were too old when this run began.
Result<std::optional<verdict::Kept>> read_kept(const std::filesystem::path& folder, const std::string& began);

}  // namespace labctl::bundle
