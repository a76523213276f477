// The SHA-256 of a large file that hardly ever changes, read again only when its inode, size or times say
// that it may have. What was read is kept beside the file and goes with it; whoever may write there may
// change the file itself.
#pragma once

#include <ctime>
#include <string>

#include "labctl/base/files.h"

namespace labctl {

// Errors as PinnedFile has them: no regular file, a link, or changed while it was read. A digest that cannot
// be kept is no error; it is read again the next time. One of a file that was changed just before `now` is
// not kept: the next change could leave the same times.
Result<std::string> measured_sha256(const fs::path& file, std::time_t now = std::time(nullptr));

// Where the digest of `file` is kept.
fs::path measured_record(const fs::path& file);

}  // namespace labctl
