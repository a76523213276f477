// A minifilter of Windows: where its instance must be found.

#include <fmt/core.h>

#include "labctl/scenario/sections.h"

namespace labctl::scenario {

std::optional<Filter> read_filter(const Node& node, const std::string& what, Reader& reader) {
  Filter filter{.altitude = {}, .volume = "C:"};
  if (!reader.map(node, what,
                  {{"altitude", Need::required, "write altitude: \"385100\", as the INF has it"},
                   {"volume"},
                   {"beside"}}))
    return std::nullopt;
  if (const Node* altitude = node.find("altitude")) {
    filter.altitude = reader.one_line(*altitude, what + ".altitude").value_or("");
    if (!filter.altitude.empty() && !is_altitude(filter.altitude))
      reader.mistake(altitude->mark,
                     fmt::format("{}.altitude: {} is not an altitude", what, quoted(filter.altitude)),
                     "digits, perhaps with a fraction, as the INF has it: \"385100\"");
  }
  if (const Node* volume = node.find("volume")) {
    filter.volume = reader.one_line(*volume, what + ".volume").value_or(filter.volume);
    if (!is_volume(filter.volume))
      reader.mistake(volume->mark, fmt::format("{}.volume: {} is not a volume", what, quoted(filter.volume)),
                     "write it as fltmc instances lists it: \"C:\" or \"\\Device\\Mup\"");
  }
  if (const Node* beside = node.find("beside")) {
    filter.beside = reader.texts(*beside, what + ".beside");
    for (const std::string& name : filter.beside)
      if (!is_service_name(name))
        reader.mistake(beside->mark, fmt::format("{}.beside: {} is not a filter's name", what, quoted(name)),
                       "write it as fltmc filters lists it: WdFilter");
  }
  return filter;
}

}  // namespace labctl::scenario
