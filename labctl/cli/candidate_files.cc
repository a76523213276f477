#include "labctl/cli/candidate_files.h"

#include "labctl/base/digest.h"
#include "labctl/bundle/file_set.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

std::string below(const std::string& folder, const std::string& name) {
  return folder == "/" ? folder + name : folder + "/" + name;
}

}  // namespace

Status CandidateFiles::open(const std::vector<std::string>& given) {
  for (std::string name : given) {
    while (name.size() > 1 && name.ends_with('/')) name.pop_back();
    if (std::error_code none; !fs::is_directory(name, none)) {
      if (auto added = add(name); !added) return added;
      continue;
    }
    const auto set = bundle::files_of_set({name}, {});
    if (!set) return fail(set.error());
    folders_.push_back({name, names_.size(), *set});
    for (const auto& file : *set)
      if (auto added = add(below(name, file.name)); !added) return added;
  }
  return {};
}

Status CandidateFiles::add(const std::string& name) {
  auto file = PinnedFile::open(name);
  if (!file) return fail(file.error());
  files.push_back(std::move(*file));
  names_.push_back(name);
  return {};
}

Status CandidateFiles::hash() {
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto digest = files[i].sha256();
    if (!digest) return fail(digest.error());
    digests.push_back({names_[i], *digest});
  }
  // A folder is what its manifest says, which nothing may be missing from.
  for (auto& folder : folders_) {
    for (std::size_t i = 0; i < folder.files.size(); ++i)
      folder.files[i].sha256 = digests[folder.first + i].sha256;
    digests.push_back({folder.name, sha256(bundle::manifest_of(folder.files))});
  }
  return {};
}

Status CandidateFiles::unchanged() const {
  for (const auto& file : files)
    if (auto same = file.unchanged(); !same) return same;
  return {};
}

}  // namespace labctl::cli
