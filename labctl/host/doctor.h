// What this host lacks, each with the command that fixes it.
#pragma once

#include <string>
#include <vector>

#include "labctl/host/paths.h"

namespace labctl::host {

enum class Health { ok, warning, error };  // warning: works, but slower or with less than it could

struct Check {
  std::string name;
  Health health = Health::ok;
  std::string detail;
  std::string fix;                 // a command, or empty
  bool only_for_building = false;  // images that are built already run without it
};

// Programs, libraries, rights, space: looked at without starting a hypervisor, so that it can be asked before
// a run.
std::vector<Check> check_host(const Paths& paths);

// How many of the recipes are built.
Check check_images(std::size_t recipes, std::size_t built);

// The Debian packages a host needs, one apt-get line.
std::string install_command();

}  // namespace labctl::host
