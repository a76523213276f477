#include "labctl/gate/suits_split.h"

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/bundle/shards.h"

namespace labctl::gate {

Status suits_split(const ShardOrder& order, const plan::Plan& part, const std::string& tool_sha256,
                   const image::Store& store) {
  const std::string who = shard_name(order.split, order.index);
  if (tool_sha256 != order.split.tool_sha256)
    return lab_error("this host cannot run " + who + ": its labctl is not the one that made the split, " +
                         order.split.tool + " (sha256 " + order.split.tool_sha256 + ")",
                     {}, "bring that program to this host, or split again with this one");
  for (const auto& name : part.images()) {
    const auto wanted = std::find_if(order.split.images.begin(), order.split.images.end(),
                                     [&](const auto& image) { return image.name == name; });
    const auto image = store.find(name);
    if (image && wanted != order.split.images.end() && image->sha256 == wanted->sha256) continue;
    return lab_error(
        "this host cannot run " + who + ": " +
            (image ? "its disk of the image '" + name + "' is another one, sha256 " + image->sha256
                   : image.error().what),
        {},
        "labctl image pull " + name + " SOURCE --split " +
            shell_quote((order.folder / bundle::split_name).string()));
  }
  return {};
}

}  // namespace labctl::gate
