#include "labctl/rings/keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "labctl/yaml/reader.h"

namespace labctl::rings {
namespace {

using yaml::Need;
using yaml::Node;
using yaml::Reader;

constexpr std::array uses{KeyUse::gate, KeyUse::ring, KeyUse::withdrawal};

KeyEntry read_key(const Node& node, const std::string& what, Reader& reader) {
  KeyEntry key{.mark = node.mark};
  if (!reader.map(node, what,
                  {{"file", Need::required, "write file: gate.pem.pub"},
                   {"for", Need::required, "write for: gate, ring or withdrawal"},
                   {"from"},
                   {"to"},
                   {"replaced-by"}}))
    return key;
  if (const Node* file = node.find("file")) key.file = reader.one_line(*file, what + ".file").value_or("");
  if (const Node* use = node.find("for"))
    key.use = uses.at(reader.choice(*use, what + ".for", {"gate", "ring", "withdrawal"}).value_or(0));
  if (const Node* from = node.find("from")) key.from = reader.date(*from, what + ".from");
  if (const Node* to = node.find("to")) {
    key.to = reader.date(*to, what + ".to");
    if (key.from && key.to && *key.to < *key.from)
      reader.mistake(to->mark, fmt::format("{}.to: is before from", what));
  }
  if (const Node* next = node.find("replaced-by"))
    key.replaced_by = reader.one_line(*next, what + ".replaced-by").value_or("");
  return key;
}

}  // namespace

const char* to_string(KeyUse use) {
  switch (use) {
    case KeyUse::gate:
      return "gate";
    case KeyUse::ring:
      return "ring";
    case KeyUse::withdrawal:
      return "withdrawal";
  }
  return "?";
}

std::optional<std::string> KeyEntry::objection(std::int64_t moment) const {
  const Date day(
      std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(moment))));
  const std::string next =
      replaced_by.empty() ? "" : fmt::format("; {} replaces it", yaml::quoted(replaced_by));
  if (from && day < *from)
    return fmt::format("the key {} is good from {}, and it signed {}", yaml::quoted(file), show_date(*from),
                       show_moment(moment));
  if (to && day > *to)
    return fmt::format("the key {} was good until {}, and it signed {}{}", yaml::quoted(file), show_date(*to),
                       show_moment(moment), next);
  return {};
}

KeyList load_keys(std::string_view yaml, const std::string& name) {
  yaml::Parsed parsed = yaml::parse_yaml(yaml, name, {"a list of keys", "begin with labctl: 1"});
  const yaml::Variables none;
  Reader reader(name, "the list of keys", none, {}, std::move(parsed.mistakes));
  KeyList loaded;
  if (parsed.root &&
      reader.map(*parsed.root, "",
                 {{"labctl", Need::required, "begin with labctl: 1"},
                  {"keys", Need::required, "write keys: [{file: gate.pem.pub, for: gate}]"}})) {
    if (const Node* version = parsed.root->find("labctl")) reader.integer(*version, "labctl", 1, 1);
    const Node* list = parsed.root->find("keys");
    if (list && reader.list(*list, "keys"))
      for (std::size_t i = 0; i < list->items.size(); ++i)
        loaded.keys.push_back(read_key(list->items[i], "keys[" + std::to_string(i + 1) + "]", reader));
  }
  for (std::size_t i = 0; i < loaded.keys.size(); ++i) {
    const auto& key = loaded.keys[i];
    const auto named = [&](const std::string& file) {
      return [&](const KeyEntry& other) { return other.file == file && other.use == key.use; };
    };
    if (std::any_of(loaded.keys.begin(), loaded.keys.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const KeyEntry& other) { return !key.file.empty() && other.file == key.file; }))
      reader.mistake(key.mark, fmt::format("the key {} stands twice", yaml::quoted(key.file)));
    if (!key.replaced_by.empty() &&
        (key.replaced_by == key.file ||
         std::none_of(loaded.keys.begin(), loaded.keys.end(), named(key.replaced_by))))
      reader.mistake(key.mark, fmt::format("replaced-by: no other key for the same use is {}",
                                           yaml::quoted(key.replaced_by)));
  }
  loaded.mistakes = reader.take_mistakes();
  return loaded;
}

}  // namespace labctl::rings
