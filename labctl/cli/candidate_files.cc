#include "labctl/cli/candidate_files.h"

namespace labctl::cli {

Status CandidateFiles::open(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    auto file = HeldFile::open(name);
    if (!file) return fail(file.error());
    files.push_back(std::move(*file));
  }
  return {};
}

Status CandidateFiles::hash(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto digest = files[i].sha256();
    if (!digest) return fail(digest.error());
    digests.push_back({names[i], *digest});
  }
  return {};
}

Status CandidateFiles::unchanged() const {
  for (const auto& file : files)
    if (auto same = file.unchanged(); !same) return same;
  return {};
}

}  // namespace labctl::cli
