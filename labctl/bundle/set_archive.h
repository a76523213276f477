// Content that is shipped as an archive: a tar, plain or compressed by gzip, xz or zstd, or a zip. What is in
// it is a set of files as that of a folder (file_set.h). Archives are hostile: nothing is written under a
// name that one of them gives, and whatever is not a plain file below the archive's top is a mistake.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/file_set.h"

namespace labctl::bundle {

// By its name alone, so that a scenario means the same on every host: .tar, .tar.gz, .tgz, .tar.xz, .txz,
// .tar.zst, .tzst or .zip at its end.
bool is_archive_name(std::string_view path);

struct ArchiveBounds {
  std::size_t entries = 100'000;     // folders count
  std::uint64_t bytes = 4ull << 30;  // of all files, unpacked
};

// The files of `archive`, by name, with their sizes; folders are left out. With `into`, a folder that is
// there, each is written to a file of its own in it, called by a number; `called` is the archive's name in
// errors, when it is not the file's. Errors (input), with `where` and the entry's name: it cannot be read or
// is encrypted, it is damaged, holds a link, a device, a name that is absolute, has '..' or cannot be listed,
// a name twice or a file where another has its folder, more than `bounds`, no file at all.
Result<std::vector<SetFile>> files_of_archive(const std::filesystem::path& archive, const std::string& where,
                                              const std::filesystem::path& into = {},
                                              const std::string& called = {},
                                              const ArchiveBounds& bounds = {});

// Of a folder, a file or an archive: files_of_set() or files_of_archive(), whose files go below `work`.
Result<std::vector<SetFile>> files_of_content(const std::filesystem::path& path, const std::string& where,
                                              const std::filesystem::path& work);

}  // namespace labctl::bundle
