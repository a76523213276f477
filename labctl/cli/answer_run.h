// What --json says of a run that has a bundle.
#pragma once

#include <filesystem>

namespace labctl::bundle {
struct Judged;
}

namespace labctl::cli {

// The bundle and its verdict.json, as it was written (answer.h); nothing without --json.
void answer_run(const std::filesystem::path& bundle, const bundle::Judged& judged);

}  // namespace labctl::cli
