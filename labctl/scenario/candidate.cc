#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

bool is_label(std::string_view text) {
  const auto word = [](unsigned char c) { return (c < 0x80 && std::isalnum(c)) || c == '_'; };
  return !text.empty() && text.size() <= 40 && word(text.front()) && word(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

std::vector<Artefact> read_artefacts(const Node& node, const std::string& what, Reader& reader) {
  std::vector<Artefact> artefacts;
  if (!reader.names(node, what)) return artefacts;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const Key& key = node.keys[i];
    check_label(key, what, reader);
    auto path = reader.one_line(node.items[i], what + "." + printable(key.text, 60), image_later);
    // An artefact whose path is wrong is still known by its label: one mistake must not cause others.
    artefacts.push_back({key.text, path.value_or(""), node.items[i].mark});
  }
  return artefacts;
}

}  // namespace

bool check_label(const Key& key, const std::string& what, Reader& reader) {
  if (is_label(key.text)) return true;
  reader.mistake(key.mark, what + ": " + quoted(key.text) + " is not a label",
                 "letters, digits, '_' and inside also '.' and '-', at most 40 characters");
  return false;
}

std::vector<std::string> labels(const std::vector<Artefact>& artefacts) {
  std::vector<std::string> names;
  for (const Artefact& artefact : artefacts) names.push_back(artefact.label);
  return names;
}

void read_candidate(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("candidate");
  if (!node || !reader.map(*node, "candidate", {{"driver", Need::required}, {"content"}})) return;
  if (const Node* driver = node->find("driver")) {
    scenario.drivers = read_artefacts(*driver, "candidate.driver", reader);
    const auto known = labels(scenario.drivers);
    if (!known.empty() && std::find(known.begin(), known.end(), "candidate") == known.end()) {
      reader.mistake(driver->mark, "candidate.driver has no 'candidate'",
                     did_you_mean("candidate", known) ? "rename " + quoted(*did_you_mean("candidate", known))
                                                      : "name the driver under test: {candidate: PATH}");
    }
  }
  if (const Node* content = node->find("content")) {
    scenario.contents = read_artefacts(*content, "candidate.content", reader);
  }
}

}  // namespace labctl::scenario
