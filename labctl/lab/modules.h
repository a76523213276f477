// The kernel modules that a driver's artifact holds, read on the host: what a guest's memory must show when
// the artifact has been installed. Artifacts are files from outside; whatever is in them is bounded and hurts
// nobody.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::lab {

struct ModuleFile {
  std::string path;  // in the artifact; of a bare module its file name
  std::string name;  // as the kernel calls it
  // What tells one build from another, hexadecimal: the build id of its ELF note, and the digest of its
  // sources that modpost wrote. Either may be empty.
  std::string build_id, source_version;
  std::string kernel;  // the release that it was built for, as its "vermagic" says; empty: it does not
};

// What a driver's artifact holds.
struct Inside {
  std::vector<ModuleFile> modules;
  // Digests of its executable files, as event::Opened names them: "sha256:...".
  std::vector<std::string> programs;
  // The systemd units that a package installs, by their names, templates left out; in order, each once.
  std::vector<std::string> units;
  // Modules that its dkms.conf says are built of its sources, as the kernel calls them; each once.
  std::vector<std::string> built;
};

// Of a bare module, compressed (.xz, .zst, .gz) or not, or of a package: deb, rpm, tar. An artifact without a
// module gives none. Errors (input): it cannot be read, is damaged, or holds more than is read.
Result<Inside> inside(const std::filesystem::path& artifact);

// An ELF file's own words; nothing where there are none.
ModuleFile read_module(std::string path, std::string_view elf);

// The builds of the module of this name as event::Opened names them: "build-id:..." or "srcversion:...".
// Empty when one of them has neither: nothing would tell it from another.
std::vector<std::string> builds_of(const std::vector<ModuleFile>& modules, const std::string& name);

}  // namespace labctl::lab
