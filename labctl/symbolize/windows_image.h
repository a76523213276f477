// Places in a Windows driver, by LLVM's programs: by its PDB, or the DWARF in it, as lines of source; else by
// the names that it exports. Not whose crash it is: a place is what a dump says (crash/windows/dump.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "labctl/base/result.h"

namespace labctl::symbolize {

struct WindowsImage {
  std::filesystem::path file;
  std::filesystem::path pdb;  // empty: there is none beside it
};

bool is_windows_image(const std::filesystem::path& file);

// The PDB is FILE's with the ending .pdb, or the one beside it that is called as FILE says. Errors: FILE
// cannot be read; (input) the PDB is of another build, by the GUID in both; (lab) llvm is not installed.
Result<WindowsImage> read_windows_image(const std::filesystem::path& file);

// "sensor_equal at driver/sensor.c:255, in sensor_match at driver/sensor.c:280"; without lines
// "sensor_match+0x10, by its exports"; empty when the place is before all of them or there are none.
Result<std::string> place_in(const WindowsImage& image, std::uint64_t offset);

}  // namespace labctl::symbolize
