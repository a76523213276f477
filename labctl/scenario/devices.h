// The devices that an author may ask for besides those which every machine has, by QEMU's names. How QEMU is
// told of them is machine/devices.h's; a test holds the two lists together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace labctl::scenario {

inline constexpr std::size_t most_devices = 8;

const std::vector<std::string>& device_names();
bool is_device(std::string_view name);
// A network card, which is there only with `network: isolated`.
bool is_network_device(std::string_view name);
// What every machine has already, and why nobody needs to ask for it; empty: it has none.
std::string why_there_already(std::string_view name);

}  // namespace labctl::scenario
