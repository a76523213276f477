// What the clones of an image showed that were killed on purpose: their journals, and a summary that names
// them. trust/canary.h makes them.
#pragma once

#include <filesystem>
#include <string>

#include "labctl/guest/guest.h"
#include "labctl/verdict/verdict.h"

namespace labctl::bundle {

// The id of one clone's cell, and the name of the folder with its journal: "debian-12.1a2b3c4d.canary-nmi".
std::string canary_id(const std::string& prefix, guest::Crash crash);

// The file that names an image's journals: <image>[.machine-<label>].json.
std::filesystem::path canary_summary(const std::filesystem::path& records, const std::string& image,
                                     const std::string& machine);

// From records as trust::prove_channels() leaves them. Whatever is missing or damaged proves nothing.
verdict::Canary read_canary(const std::filesystem::path& records, const std::string& image,
                            const std::string& machine = {});

}  // namespace labctl::bundle
