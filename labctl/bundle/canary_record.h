// What the clones of an image showed that were killed on purpose: their journals, and a summary that names
// them. trust/canary.h makes them.
#pragma once

#include <filesystem>
#include <string>

#include "labctl/guest/guest.h"
#include "labctl/outcome/canary.h"
#include "labctl/outcome/run_record.h"

namespace labctl::bundle {

// The id of one clone's cell, and the name of the folder with its journal: "debian-12.1a2b3c4d.canary-nmi".
std::string canary_id(const std::string& prefix, guest::Crash crash);

// What the ids of an image's clones begin with: its name and the first digits of canary_key().
std::string canary_prefix(const std::string& image, const std::string& key);

// The file that names an image's journals: <image>[.machine-<label>].json.
std::filesystem::path canary_summary(const std::filesystem::path& records, const std::string& image,
                                     const std::string& machine);

// What a proof stands on, as one digest: two runs may share one exactly when theirs are equal. The golden
// disk and what cells start from, the machine's shape, the host and the labctl.
std::string canary_key(const outcome::ImageRecord& image, const std::string& host_fingerprint,
                       const std::string& tool_sha256);

// From records as trust::prove_channels() leaves them. Whatever is missing or damaged proves nothing.
outcome::Canary read_canary(const std::filesystem::path& records, const std::string& image,
                            const std::string& machine = {});

// The same for a run that counts on it: refused, with the reason, are records of another image, host, machine
// or labctl than the run's, and those that were too old when it began or made after its end.
outcome::Canary read_canary(const std::filesystem::path& records, const outcome::RunRecord& run,
                            const std::string& image, const std::string& machine);

}  // namespace labctl::bundle
