// The text of a first scenario for a driver's package, with comments for its author. Pure; what is in the
// package and which images are built is found out by others.
#pragma once

#include <string>
#include <vector>

#include "labctl/scenario/scenario.h"

namespace labctl::scenario {

struct Starter {
  std::string name;    // a slug
  std::string about;   // the first line: what this scenario is
  std::string driver;  // path of the artifact, relative to the scenario; empty: the variable ${driver}
  DriverKind kind = DriverKind::deb;       // deb, rpm, kmod or dkms; script: an archive of modules, unpacked
  std::string module;                      // empty: the variable ${module}
  bool services_alone = false;             // it has no module
  std::vector<std::string> other_modules;  // also in the package
  std::vector<std::string> services;       // the candidate's own units
  std::vector<std::string> images;         // at least one
  std::vector<std::string> notes;          // lines of comment above the matrix
};

// A scenario that `validate` takes.
std::string starter_text(const Starter& starter);

}  // namespace labctl::scenario
