// YAML text -> a small tree of our own, with the marks. The only door to the YAML library, whose tree keeps
// duplicate keys, turns `010` into 8 and follows aliases without end; its events do none of that.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/yaml/mark.h"

namespace labctl::yaml {

struct Key {
  std::string text;
  Mark mark;
  bool plain = true;  // written without quotes
};

struct Node {
  enum class Kind { nothing, scalar, list, map };
  Kind kind = Kind::nothing;
  Mark mark;
  std::string text;   // scalar: as written, never interpreted
  bool plain = true;  // scalar: written without quotes, so other YAML readers may see a number or a boolean
  std::vector<Key> keys;    // map: keys[i] belongs to items[i]
  std::vector<Node> items;  // list and map

  const Node* find(std::string_view key) const;
};

struct Mistake {
  Mark mark;
  Error error;
};

struct Parsed {
  std::optional<Node> root;       // missing when the text is not YAML, or more than is read
  std::vector<Mistake> mistakes;  // may be there beside a root: duplicate keys do not stop the reading
};

// How mistakes call what is read.
struct Document {
  const char* called = "a file";  // "a scenario"
  const char* begins = "";        // the hint for an empty one
};

// Refuses: more than 1 MiB, NUL, invalid UTF-8, nesting deeper than 32, anchors, aliases, tags, keys that are
// not text and a second document.
Parsed parse_yaml(std::string_view text, const std::string& name, const Document& document);

}  // namespace labctl::yaml
