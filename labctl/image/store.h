// Inside this room: what the store's verbs are made of.
#pragma once

#include "labctl/image/image.h"

namespace labctl::image {

// Everything that can be known before a build starts: programs, rights, disk space. The error says what fixes
// it.
Status check_build(const Recipe& recipe, const fs::path& store);

// Runs the recipe's build program in the new folder `half`, and leaves a whole image there: disk.qcow2,
// packages, build.log and, last, facts.json, all on stable storage.
Status build_disk(const Recipe& recipe, const fs::path& half, const BuildInputs& inputs,
                  const Progress& progress, std::stop_token stop);

// Removes an image's folder below the store's `root` so that an interruption leaves nothing that looks whole.
Status discard(const fs::path& root, const fs::path& folder);

void sleep_for_a_moment();

}  // namespace labctl::image
