// The ways in which something becomes known of a guest. A channel has a name in journals, verdicts and
// reports; code compares the values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace labctl::event {

enum class Channel { console, panic_device, resets, heartbeat, evidence, screen };

const char* to_string(Channel channel);
std::optional<Channel> channel_from(std::string_view text);

// Their names, in the same order.
std::vector<std::string> names_of(const std::vector<Channel>& channels);

}  // namespace labctl::event
