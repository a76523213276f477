// Folders that labctl trusts: what stands in one was put there by its owner and nobody else.
#pragma once

#include <string>

#include "labctl/base/files.h"

namespace labctl {

// What `path` must be to be trusted: no link, this user's (for root under sudo also the calling user's), and,
// when there is something in it, not writable for others. Whoever may write to a folder above it can put
// another in its place: none of them may be writable for others, but with the sticky bit, as /tmp has it.
// A group counts as others, but for root's and for one that has the user's own number. Who owns a folder
// above is not looked at. One that is missing is well. The error (lab) ends in the command that settles it;
// `variable` is what names the folder: LABCTL_CACHE.
Status check_private(const fs::path& path, const std::string& variable);

// The same, and then it is there with mode 0700.
Status make_private(const fs::path& path, const std::string& variable);

}  // namespace labctl
