// Between two contents that are sets of files: which files differ, and sets that have some of them from the
// one and the rest from the other. Which to make is search/'s business.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/bundle/file_set.h"

namespace labctl::reproduction {

struct FileDifference {
  enum class How { changed, added, removed };  // from the earlier to the candidate's
  How how = How::changed;
  bundle::SetFile earlier, candidate;  // without a name where it has none
  const std::string& name() const { return how == How::removed ? earlier.name : candidate.name; }
};
const char* to_string(FileDifference::How how);

struct Between {
  std::vector<bundle::SetFile> same;        // in both
  std::vector<FileDifference> differences;  // by name
};

// Of folders or archives, which are unpacked in `work`. Names, sizes and bytes count. Errors (input): what
// files_of_content() refuses, a file that cannot be read.
Result<Between> compare_sets(const std::filesystem::path& earlier, const std::filesystem::path& candidate,
                             const std::filesystem::path& work);

// A folder in `work` with the candidate's version of `taken` (places in `differences`, ascending) and the
// earlier one of the others; files named in `replaced` are taken from there instead. Nothing where that is no
// content: no file is left, or one has the name of another's folder. The same order gives the same folder.
Result<std::optional<std::filesystem::path>> make_set(
    const Between& between, const std::vector<std::size_t>& taken, const std::filesystem::path& work,
    const std::map<std::string, std::filesystem::path>& replaced = {});

}  // namespace labctl::reproduction
