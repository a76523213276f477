// background: [COMMAND, {run: COMMAND, end: fails}]
#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {

std::vector<Background> read_background(const Node& node, const std::string& what, Reader& reader) {
  std::vector<Background> all;
  if (!reader.list(node, what)) return all;
  const auto command = [&](const Node& from, const std::string& called) {
    const auto text = reader.text(from, called);
    if (text && trim(*text).empty()) reader.mistake(from.mark, fmt::format("{} is empty", called));
    return text.value_or("");
  };
  for (const Node& item : node.items) {
    Background one;
    if (item.kind != Node::Kind::map) {
      one.run = command(item, what);
    } else if (reader.map(item, what, {{"run", Need::required}, {"end"}})) {
      if (const Node* run = item.find("run")) one.run = command(*run, what + ".run");
      if (const Node* end = item.find("end"))
        one.must_last = reader.choice(*end, what + ".end", {"allowed", "fails"}).value_or(0) == 1;
    }
    all.push_back(std::move(one));
  }
  if (all.size() > most_background)
    reader.mistake(node.mark, fmt::format("{}: more than {} commands", what, most_background));
  return all;
}

}  // namespace labctl::scenario
