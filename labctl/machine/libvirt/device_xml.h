// The devices that an author asked for, in a definition. Internal to libvirt/.
#pragma once

#include <pugixml.hpp>

#include "labctl/machine/machine.h"

namespace labctl::machine {

// The USB controller, if one of the devices needs it; nothing else may stand for it.
const char* usb_model(const Shape& shape);
// "none", where nobody asked for a balloon.
const char* balloon_model(const Shape& shape);
// All others. The definition's own devices are there already.
void add_devices(pugi::xml_node domain, pugi::xml_node devices, const Shape& shape);

}  // namespace labctl::machine
