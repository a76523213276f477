#include "labctl/scenario/signatures.h"

#include <fmt/core.h>

#include <array>

#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

using crash::Kind;
using crash::Signature;

constexpr std::size_t longest_title = 200;
constexpr std::size_t longest_pattern = 2000;

constexpr std::array kinds{Kind::other,  Kind::panic,   Kind::oops,         Kind::bug,  Kind::stop_code,
                           Kind::lockup, Kind::stall,   Kind::hung_task,    Kind::lock, Kind::memory_safety,
                           Kind::reset,  Kind::warning, Kind::boot_failure, Kind::error};

std::vector<std::string> kind_words() {
  std::vector<std::string> words;
  for (const Kind kind : kinds) words.emplace_back(crash::to_string(kind));
  return words;
}

std::string bounded(const Node& entry, const char* key, const std::string& what, std::size_t most,
                    Reader& reader) {
  const Node* node = entry.find(key);
  if (!node) return {};
  const auto text = reader.one_line(*node, what + "." + key);
  if (text && text->size() > most)
    reader.mistake(node->mark, fmt::format("{}.{}: more than {} characters", what, key, most));
  return text.value_or("");
}

// The examples under `key` are tried: `expected` says whether the signature must know them.
void try_examples(const Node& entry, const char* key, bool expected, const Signature& signature,
                  const std::string& what, Reader& reader) {
  const Node* list = entry.find(key);
  if (!list || !reader.list(*list, what + "." + key)) return;
  for (const Node& item : list->items) {
    const auto line = reader.text(item, what + "." + key);
    if (!line || signature.pattern.empty() || crash::matches(signature, *line) == expected) continue;
    reader.mistake(item.mark,
                   fmt::format("{}.{}: the pattern {}{}", what, key,
                               expected ? "does not match " : "matches ", quoted(*line)),
                   expected ? "the pattern is matched against what follows a kernel's timestamp"
                            : "make the pattern narrower");
  }
}

Signature read_signature(const Node& entry, const std::string& what, Reader& reader) {
  Signature signature;
  if (!reader.map(entry, what,
                  {{"title", Need::required, "write title: what a finding is called"},
                   {"pattern", Need::required, "write pattern: 'sensor: gave up'"},
                   {"kind"},
                   {"severity"},
                   {"noise"},
                   {"matches", Need::required, "give at least one line that it must know"},
                   {"not", Need::required, "give at least one line that it must not know"}}))
    return signature;
  signature.title = bounded(entry, "title", what, longest_title, reader);
  signature.noise = bounded(entry, "noise", what, longest_title, reader);
  signature.pattern = bounded(entry, "pattern", what, longest_pattern, reader);
  if (const Node* kind = entry.find("kind"))
    signature.kind = kinds.at(reader.choice(*kind, what + ".kind", kind_words()).value_or(0));
  if (const Node* severity = entry.find("severity")) {
    const auto word = reader.choice(*severity, what + ".severity", {"fatal", "warning"});
    signature.severity = word == 1 ? crash::Severity::warning : crash::Severity::fatal;
  }
  if (const Node* pattern = entry.find("pattern"); pattern && !signature.pattern.empty()) {
    if (std::string problem = crash::pattern_problem(signature.pattern); !problem.empty()) {
      reader.mistake(pattern->mark, fmt::format("{}.pattern: {}", what, problem), "the syntax is RE2's");
      signature.pattern.clear();
    }
  }
  try_examples(entry, "matches", true, signature, what, reader);
  try_examples(entry, "not", false, signature, what, reader);
  return signature;
}

}  // namespace

Signatures load_signatures(std::string_view yaml, const std::string& name) {
  Parsed parsed = parse(yaml, name);
  const Variables none;
  Reader reader = reader_of(name, none, parsed);
  Signatures loaded;
  if (parsed.root &&
      reader.map(*parsed.root, "",
                 {{"labctl", Need::required, "begin with labctl: 1"},
                  {"signatures", Need::required, "write signatures: [{title: ..., pattern: ...}]"}})) {
    if (const Node* version = parsed.root->find("labctl")) reader.integer(*version, "labctl", 1, 1);
    const Node* list = parsed.root->find("signatures");
    if (list && reader.list(*list, "signatures")) {
      for (std::size_t i = 0; i < list->items.size(); ++i)
        loaded.all.push_back(
            read_signature(list->items[i], "signatures[" + std::to_string(i + 1) + "]", reader));
    }
  }
  loaded.mistakes = reader.take_mistakes();
  return loaded;
}

}  // namespace labctl::scenario
