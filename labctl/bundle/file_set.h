// Content that is several files: those of a folder, or of a list. Its digest is that of its manifest, a line
// for each file as sha256sum writes them, by name: what 'cd FOLDER && find -type f -printf "%P\0" | LC_ALL=C
// sort -z | xargs -0 sha256sum | sha256sum' gives. Names, sizes and bytes count; times, owners and modes do
// not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::bundle {

struct SetFile {
  std::string name;  // in the set, with '/' between folders
  std::filesystem::path source;
  std::uint64_t size = 0;
  std::string sha256;  // empty until it has been hashed
};

// Of folders everything below, of files each by its own name, in the order of their names. Errors (input),
// with `where`: nothing there, a name twice, a name with a line break, a backslash or another control
// character, a link, more than 100000 files or 4 GiB.
Result<std::vector<SetFile>> files_of_set(const std::vector<std::filesystem::path>& paths,
                                          const std::string& where);
// What a file may be called in a set: what sha256sum writes as it is, and no way out of the set's folder.
bool is_name_in_set(const std::string& name);
std::string manifest_of(const std::vector<SetFile>& files);  // they have been hashed

// The files that a manifest lists, without sources and sizes. Errors (input), with `where`: it cannot be
// read, is not what manifest_of() writes, or names a file that is not below its folder.
Result<std::vector<SetFile>> files_of_manifest(const std::filesystem::path& manifest,
                                               const std::string& where);

// As it is now. Errors: as above, or a file that cannot be read.
Result<std::string> set_sha256(const std::vector<std::filesystem::path>& paths);

// A folder with just these files, each a link to its source, or a copy on another file system. `folder` is
// not there yet. Errors: a file that cannot be put there, as where another's folder has its name.
Status make_folder(const std::filesystem::path& folder, const std::vector<SetFile>& files);

// A tar of them, whose bytes depend on names and contents alone.
Status write_tar(const std::filesystem::path& tar, const std::vector<SetFile>& files);

}  // namespace labctl::bundle
