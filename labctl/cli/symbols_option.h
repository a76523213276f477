// --symbols FILE, of the verbs that show places in the source.
#pragma once

#include <string>
#include <vector>

#include "labctl/cli/command_line.h"

namespace labctl::cli {

inline void add_symbols_option(Verb& verb, std::vector<std::string>& modules) {
  verb.option("--symbols", modules,
              "Module with debug info, used to resolve its stack frames to source lines",
              {.value = "FILE", .old_name = "--debug"});
}

}  // namespace labctl::cli
