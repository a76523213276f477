// Where a hunt's variants come from: those that are tried first, chance, and commands of the author's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "labctl/base/result.h"
#include "labctl/hunt/corpus.h"
#include "labctl/scenario/scenario.h"

namespace labctl::gate {

struct AuthorsCommands {
  std::optional<scenario::Split> split;
  std::string mutate;
  std::filesystem::path folder;  // where they are run
  std::filesystem::path work;    // for their files
};

struct Made {
  hunt::Variant variant;
  int parent = -1, maker = -1;  // as in Tried
};

class FuzzMakers {
 public:
  FuzzMakers(const hunt::Corpus& corpus, std::string_view good, AuthorsCommands commands, std::uint64_t seed,
             std::size_t most_bytes)
      : corpus_(corpus),
        first_(hunt::first_variants(good, most_bytes)),
        commands_(std::move(commands)),
        seed_(seed),
        most_bytes_(most_bytes) {}

  // The variant of this number, with the corpus as it is; empty `how` when there is none this time. Errors
  // (input): an author's command.
  Result<Made> make(long long number) const;

 private:
  Result<Made> by_command(hunt::Chance& chance, long long number) const;
  Result<Made> by_records(hunt::Chance& chance) const;

  const hunt::Corpus& corpus_;
  std::vector<hunt::Variant> first_;
  AuthorsCommands commands_;
  std::uint64_t seed_;
  std::size_t most_bytes_;
};

}  // namespace labctl::gate
