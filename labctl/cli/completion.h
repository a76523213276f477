// Completion scripts for shells, made of what the command line says of itself. They ask 'labctl completion
// images' and 'labctl completion cells BUNDLE' for what is on this host. Pure: text out.
#pragma once

#include <string>

#include "labctl/cli/command_line.h"

namespace labctl::cli {

std::string bash_completion(const CommandLine& command_line);
std::string zsh_completion(const CommandLine& command_line);
std::string fish_completion(const CommandLine& command_line);

}  // namespace labctl::cli
