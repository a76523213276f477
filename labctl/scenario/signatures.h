// The signature file: patterns that QA engineers add without recompiling. YAML text -> values of the crash
// room, with every mistake at its place. Each entry shows lines that it must know and lines that it must not,
// and they are tried here: a file that is read is a file that works.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/crash.h"

namespace labctl::scenario {

struct Signatures {
  std::vector<crash::Signature> all;  // complete only when there is no mistake
  std::vector<Error> mistakes;        // in the order of the file
};

// `name` is how errors call the file.
Signatures load_signatures(std::string_view yaml, const std::string& name);

}  // namespace labctl::scenario
