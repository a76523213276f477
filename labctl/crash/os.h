// Which operating system a guest runs, or a text is of.
#pragma once

namespace labctl::crash {

enum class Os { linux_, windows };
const char* to_string(Os os);  // "linux", "windows"

}  // namespace labctl::crash
