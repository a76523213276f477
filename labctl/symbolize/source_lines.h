// Places of a crash report as lines of source, by binutils and the debug files that somebody gives.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/crash/frames.h"

namespace labctl::symbolize {

// "sensor_equal+0x39/0x60 [sensor]: sensor_equal at driver/sensor.c:255", with what was inlined there; a
// frame whose module has no file is shown as it is. A file belongs to the module that it is named after; a
// Windows driver's has its PDB beside it (windows_image.h). Errors (input): a file that is not there or no
// module with debug information; a module of another build.
Result<std::vector<std::string>> source_lines(const std::vector<crash::ModuleFrame>& frames,
                                              const std::vector<std::filesystem::path>& debug_files);

}  // namespace labctl::symbolize
