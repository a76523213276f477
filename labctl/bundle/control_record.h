// The records of a control that another run made, as a bundle holds them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "labctl/base/result.h"
#include "labctl/outcome/outcome.h"
#include "labctl/outcome/run_record.h"
#include "labctl/plan/plan.h"

namespace labctl::bundle {

// In the folder of a control's records: when they were made, and by which run.
inline constexpr const char* control_file = "control.json";

// How long a proof holds.
inline constexpr std::int64_t fresh_seconds = 7 * 24 * 3600;

// Whether a proof of the moment `made` still holds at `now`; both in seconds since 1970.
bool is_fresh(std::int64_t made, std::int64_t now);

// Where a control's records come from: nothing when they are this run's own. Errors: they say that they are
// kept ones, and do not say when they were made, or were too old when this run began.
Result<std::optional<outcome::ReusedFrom>> read_kept(const std::filesystem::path& folder,
                                                     const std::string& began);

// The same for a cell of a run that counts on it: an error as well when they stand on something else than the
// run does.
Result<std::optional<outcome::ReusedFrom>> read_kept(const std::filesystem::path& folder,
                                                     const outcome::RunRecord& run,
                                                     const plan::Cell& control);

// What a control's record stands on, as one digest: two runs may share one exactly when theirs are equal. The
// image, the machine's shape, what the control does, the digests of what it is given (by the names on its
// CD), the text of the author's signatures, the host and the labctl.
std::string control_key(const outcome::ImageRecord& image, const plan::Cell& control,
                        const std::map<std::string, std::string>& given, const std::string& signatures,
                        const std::string& host_fingerprint, const std::string& tool_sha256);

}  // namespace labctl::bundle
