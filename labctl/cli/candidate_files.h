// The files of a release, as they are while they are held; a change that is noticed is an error.
#pragma once

#include <string>
#include <vector>

#include "labctl/attest/statement.h"
#include "labctl/base/pinned_file.h"
#include "labctl/bundle/file_set.h"

namespace labctl::cli {

struct CandidateFiles {
  std::vector<PinnedFile> files;
  std::vector<attest::Resource> digests;  // after hash()

  // Of a folder all files below it.
  Status open(const std::vector<std::string>& given);
  Status hash();
  Status unchanged() const;

 private:
  struct Folder {
    std::string name;
    std::size_t first = 0;  // of its files in `files`
    std::vector<bundle::SetFile> files;
  };
  Status add(const std::string& name);

  std::vector<std::string> names_;  // of `files`
  std::vector<Folder> folders_;
};

}  // namespace labctl::cli
