// One artifact as guests get it: copied into the run's work folder first and hashed then, so that the digest
// is of the very bytes; content is damaged there when the scenario says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "labctl/base/result.h"
#include "labctl/plan/plan.h"

namespace labctl::lab {

struct Artifact {
  std::filesystem::path source;
  std::filesystem::path target;  // of a source that is a symbolic link: the file itself
  std::string sha256;            // of the copy that guests get
  std::uint64_t size = 0;
  std::filesystem::path copy;  // in the work folder
  std::string source_sha256;   // of the source; another one where the copy was damaged on purpose, or is the
                               // manifest of what an archive holds
  std::filesystem::path source_copy = {};  // of the source's bytes, where they are kept beside `copy`
  std::string archive = {};                // of content that is an archive: its digest
};

struct TakeOrder {
  std::filesystem::path source;
  std::string where;           // in the scenario, for errors
  std::filesystem::path work;  // for the copy, whose name is its digest
  scenario::Damage damage = scenario::Damage::none;
  bool may_be_empty = false;
  std::string kernel = {};  // that it was chosen by
};

// Errors (input): there is no such file, it is empty, larger than 2 GiB, cannot be read, or damage leaves it
// as it was.
Result<Artifact> take(const TakeOrder& order);

// Its size, when it is a file that guests can be given.
Result<std::uint64_t> size_of_file(const std::filesystem::path& source, const std::string& where,
                                   const std::string& kernel = {});

}  // namespace labctl::lab
