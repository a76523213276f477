// keys.yaml: which public keys are trusted for what, and from when until when. Values; the keys' files are
// the hands' to read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/base/units.h"
#include "labctl/yaml/mark.h"

namespace labctl::rings {

enum class KeyUse { gate, ring, withdrawal };
const char* to_string(KeyUse use);

struct KeyEntry {
  std::string file;  // relative to the list
  yaml::Mark mark;
  KeyUse use = KeyUse::gate;
  std::optional<Date> from, to;  // inclusive, in UTC
  std::string replaced_by;       // another entry's file; empty: by none

  // Why the key may not have signed at that moment, in one sentence, or nothing.
  std::optional<std::string> objection(std::int64_t moment) const;
};

struct KeyList {
  std::vector<KeyEntry> keys;   // complete only when there is no mistake
  std::vector<Error> mistakes;  // in the order of the file
};

// `name` is how errors call the file.
KeyList load_keys(std::string_view yaml, const std::string& name);

}  // namespace labctl::rings
