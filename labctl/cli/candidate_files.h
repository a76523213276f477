// The files of a release, as they are while they are held; a change that is noticed is an error.
#pragma once

#include <string>
#include <vector>

#include "labctl/attest/statement.h"
#include "labctl/base/held_file.h"

namespace labctl::cli {

struct CandidateFiles {
  std::vector<HeldFile> files;
  std::vector<attest::Resource> digests;  // after hash()

  Status open(const std::vector<std::string>& names);
  Status hash(const std::vector<std::string>& names);
  Status unchanged() const;
};

}  // namespace labctl::cli
