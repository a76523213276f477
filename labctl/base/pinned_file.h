// A file that a decision is about: opened once, never through a symbolic link, and noticed when it is changed
// or replaced by another of its name while it is held.
#pragma once

#include <sys/stat.h>

#include <string>

#include "labctl/base/files.h"

namespace labctl {

class PinnedFile {
 public:
  // Errors (input): a symbolic link, not a regular file, missing.
  static Result<PinnedFile> open(const fs::path& path);

  Result<std::string> read(std::uint64_t limit) const;
  Result<std::string> sha256();  // also unchanged(), once the last byte is read
  // Whether nobody but its owner may read or change it.
  bool is_private() const { return (opened_.st_mode & (S_IRWXG | S_IRWXO)) == 0; }
  const struct stat& state() const { return opened_; }  // as it was opened
  Status unchanged() const;                             // Errors (input): it is no longer what was opened

 private:
  PinnedFile() = default;
  fs::path path_;
  Fd fd_;
  struct stat opened_ {};
};

}  // namespace labctl
