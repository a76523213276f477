// Commands for a Linux guest, run by the shell of this host, in a folder that stands for the guest.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/guest/guest.h"
#include "tests/catch.h"

namespace labctl::test {

using namespace labctl::guest;
using scenario::Driver;
using scenario::DriverKind;

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "labctl-guest-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
};

inline const System& linux_ = system_of(scenario::Os::linux_);

inline scenario::Guest of(const Driver& driver) {
  scenario::Guest guest;
  guest.driver = driver;
  return guest;
}

inline std::string text_of(const fs::path& path) { return read_file(path).value_or(""); }
inline void write(const fs::path& path, std::string_view text) { REQUIRE(write_file(path, text)); }

struct Said {
  int code;
  std::string output;
};

// As the guest's agent does it: /bin/sh -c COMMAND, here with the sh of this host.
inline Said shell(const std::string& command, const fs::path& folder, const char* options = "") {
  write(folder / "script", command);
  const std::string line = "cd / && sh " + std::string(options) + " -c \"$(cat " +
                           shell_quote((folder / "script").string()) + ")\" >" +
                           shell_quote((folder / "output").string()) + " 2>&1 </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), text_of(folder / "output")};
}

inline std::string replace(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// Programs of a guest, as small scripts.
inline std::string with_programs(const Folder& folder,
                                 const std::vector<std::pair<std::string, std::string>>& all) {
  fs::create_directories(folder.path / "bin");
  for (const auto& [name, text] : all) {
    write(folder.path / "bin" / name, "#!/bin/sh\n" + text);
    fs::permissions(folder.path / "bin" / name, fs::perms::owner_all);
  }
  return "PATH=" + (folder.path / "bin").string() + ":$PATH\n";
}

// Paths of a guest, moved below a folder.
inline std::string moved(std::string command, const Folder& folder, const std::vector<std::string>& places) {
  for (const auto& place : places)
    if (command.find(place) != std::string::npos)
      command = replace(std::move(command), place, folder.path.string() + place);
  return command;
}

}  // namespace labctl::test
