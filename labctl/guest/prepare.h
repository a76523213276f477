// Commands that prepare a Linux guest's disk before its snapshot is made, and what shows that they worked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/guest/guest.h"

namespace labctl::guest {

// To be run one after the other, each with status 0: the words are put on the kernel's command line, wherever
// the boot loader reads it; the root file system grows to the end of its disk.
std::vector<std::string> prepare_commands(const std::vector<std::string>& cmdline, bool grow);
std::string root_size_command();  // root_mib=

// shim's list of trusted keys, in base64; nothing where there is none. It is what the kernel was given.
std::string trusted_keys_command();

// The first of these that is no word of /proc/cmdline; empty: none.
std::string lacking_option(std::string_view cmdline, const std::vector<std::string>& options);

}  // namespace labctl::guest
