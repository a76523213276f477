#include "labctl/gate/suits_split.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"

namespace labctl::gate {

Status suits_split(const ShardOrder& order, const plan::Plan& part, const std::string& tool_sha256,
                   const image::Store& store) {
  const std::string who = shard_name(order.split, order.index);
  if (tool_sha256 != order.split.tool_sha256)
    return lab_error(
        fmt::format("this host cannot run {}: its labctl is not the one that made the split, {} (sha256 {})",
                    who, order.split.tool, order.split.tool_sha256),
        {}, "bring that program to this host, or split again with this one");
  for (const auto& name : part.images()) {
    const auto wanted = std::find_if(order.split.images.begin(), order.split.images.end(),
                                     [&](const auto& image) { return image.name == name; });
    const auto image = store.find(name);
    if (image && wanted != order.split.images.end() && image->sha256 == wanted->sha256) continue;
    return lab_error(fmt::format("this host cannot run {}: {}", who,
                                 image ? fmt::format("its disk of the image '{}' is another one, sha256 {}",
                                                     name, image->sha256)
                                       : image.error().what),
                     {},
                     fmt::format("labctl image pull {} SOURCE --split {}", name,
                                 shell_quote((order.folder / bundle::split_name).string())));
  }
  return {};
}

}  // namespace labctl::gate
