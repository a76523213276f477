#include "labctl/event/channel.h"

#include "labctl/base/enum_names.h"

namespace labctl::event {
namespace {

constexpr auto channels = enum_names<Channel>({{Channel::console, "console"},
                                               {Channel::panic_device, "panic-device"},
                                               {Channel::resets, "resets"},
                                               {Channel::heartbeat, "heartbeat"},
                                               {Channel::evidence, "evidence"},
                                               {Channel::screen, "screen"}});

}  // namespace

const char* to_string(Channel channel) { return channels.name(channel); }

std::optional<Channel> channel_from(std::string_view text) { return channels.value(text); }

std::vector<std::string> names_of(const std::vector<Channel>& list) {
  std::vector<std::string> names;
  for (const Channel channel : list) names.emplace_back(to_string(channel));
  return names;
}

}  // namespace labctl::event
