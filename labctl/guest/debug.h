// What a debugger must know of a running Linux guest: where its kernel and its modules are loaded. A question
// as any other, and an answer that is trusted no more than any other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/guest/guest.h"

namespace labctl::guest {

struct LoadedModule {
  std::string name;
  std::string file;                               // in the guest
  std::map<std::string, std::uint64_t> sections;  // ".text" -> address
};
struct Loaded {
  std::string release;                // "6.12.0-1-amd64"
  std::uint64_t text = 0;             // of the kernel's _text; 0: not known
  std::vector<LoadedModule> modules;  // that did not come with the kernel
};

Question loaded_addresses();
Question console_shell();  // starts a shell on the serial console
// At most a few modules and sections; what is no address, or no name a module can have, is left out.
Loaded read_loaded(std::string_view output);

// The lines for gdb. `kernel_symbols`: the host's vmlinux of this release, empty when there is none, and then
// the lines say which package has it.
std::string gdb_lines(const Loaded& loaded, const std::string& kernel_symbols, int port);

// Where Debian's debug packages put it.
std::vector<std::string> kernel_symbol_files(const std::string& release);

}  // namespace labctl::guest
