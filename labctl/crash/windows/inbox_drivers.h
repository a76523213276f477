// Drivers that come with Windows itself. A dump's list of drivers does not say whose they are, so their names
// must; a driver of somebody else's may bear such a name, and one that is missing here is only named once too
// often. Internal to the room.
#pragma once

#include <string_view>

namespace labctl::crash {

// `file`: in small letters, with its ending.
bool comes_with_windows(std::string_view file);

}  // namespace labctl::crash
