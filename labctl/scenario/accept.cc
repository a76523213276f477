// Findings that people have accepted: a scenario's `expect:` and a waivers file. The same entries, read by
// the same code; they differ in how they name their cells.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {
namespace {

// A wildcard would accept what nobody has seen yet.
bool is_exact(const std::string& text, const Node& node, const std::string& what, Reader& reader) {
  const auto wild = text.find_first_of("*?[");
  if (wild == std::string::npos) return true;
  reader.mistake(node.mark,
                 fmt::format("{}: '{}' in {}: a wildcard would accept findings that were never seen", what,
                             text[wild], quoted(text)),
                 "write it out as labctl's report or 'labctl plan' shows it");
  return false;
}

std::string exact_text(const Node* node, const std::string& what, Reader& reader) {
  if (!node) return "";
  const auto text = reader.one_line(*node, what);
  return text && is_exact(*text, *node, what, reader) ? std::string(trim(*text)) : "";
}

std::vector<std::string> globs(const Node* node, const std::string& what, Reader& reader) {
  std::vector<std::string> list;
  if (!node) return list;
  for (const std::string& glob : reader.texts(*node, what)) {
    if (!is_cell_glob(glob))
      reader.mistake(node->mark, fmt::format("{}: {} matches no cell's id", what, quoted(glob)),
                     "an id as 'labctl plan' shows it, with * and ?");
    list.push_back(glob);
  }
  return list;
}

// What an expectation and a waiver have in common. An entry with a mistake is read on: all are reported at
// once.
std::optional<Acceptance> read_entry(const Node& node, const std::string& what, As as, Reader& reader) {
  const bool expected = as == As::expected;
  const Field cells = expected ? Field{"cell", Need::required, "one cell's id, as 'labctl plan' shows it"}
                               : Field{"cells", Need::required, "write cells: [\"*\"] for all"};
  if (!reader.map(node, what,
                  {{"title", Need::required, "the finding's title, as the report shows it"},
                   cells,
                   {"owner", Need::required, "who answers for it"},
                   {"reason", Need::required, "why it is accepted, for whoever reads it next year"},
                   {"until", Need::required, "the last day on which it holds: until: 2026-12-31"}}))
    return std::nullopt;
  const auto line = [&](const char* key) {
    const Node* found = node.find(key);
    return found ? reader.one_line(*found, what + "." + key).value_or("") : "";
  };
  Acceptance entry{.as = as, .mark = node.mark, .until_mark = node.mark};
  entry.title = exact_text(node.find("title"), what + ".title", reader);
  if (const Node* cell = node.find("cell"); cell && expected) {
    entry.cells = {exact_text(cell, what + ".cell", reader)};
    entry.mark = cell->mark;
  }
  if (!expected) entry.cells = globs(node.find("cells"), what + ".cells", reader);
  entry.owner = line("owner");
  entry.reason = line("reason");
  if (const Node* until = node.find("until")) {
    entry.until = reader.date(*until, what + ".until").value_or(Date{});
    entry.until_mark = until->mark;
  }
  return entry;
}

bool overlap(const Acceptance& a, const Acceptance& b) {
  return a.title == b.title && std::any_of(a.cells.begin(), a.cells.end(), [&](const auto& cell) {
           return std::find(b.cells.begin(), b.cells.end(), cell) != b.cells.end();
         });
}

std::vector<Acceptance> read_entries(const Node& node, const std::string& what, As as, Reader& reader) {
  std::vector<Acceptance> entries;
  for (const Node& item : node.items) {
    auto entry = read_entry(item, what, as, reader);
    if (!entry) continue;
    const bool twice = !entry->title.empty() && std::any_of(entries.begin(), entries.end(), [&](auto& other) {
      return overlap(*entry, other);
    });
    if (twice)
      reader.mistake(item.mark, fmt::format("{}: {} is {} here twice for the same cell", what,
                                            quoted(entry->title), to_string(as)));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace

bool Acceptance::matches(const std::string& cell) const {
  return std::any_of(cells.begin(), cells.end(), [&](const auto& glob) { return glob_match(glob, cell); });
}

const char* to_string(As as) { return as == As::expected ? "expected" : "waived"; }

void read_expect(const Node& root, Reader& reader, Scenario& scenario) {
  const Node* node = root.find("expect");
  if (node && reader.list(*node, "expect"))
    scenario.expect = read_entries(*node, "expect", As::expected, reader);
}

LoadedWaivers load_waivers(std::string_view yaml, const std::string& name) {
  const Variables none;
  Parsed parsed = parse(yaml, name);
  Reader reader = reader_of(name, none, parsed);
  LoadedWaivers loaded;
  std::vector<Acceptance> waivers;
  const bool readable =
      parsed.root && readable_version(*parsed.root, reader) &&
      reader.map(*parsed.root, "the waivers file",
                 {{"labctl", Need::required, "begin with labctl: 1"},
                  {"waivers", Need::required, "write waivers: [{title: ..., cells: [...], ...}]"}});
  // A team whose last waiver has gone keeps its file.
  const Node* list = readable ? parsed.root->find("waivers") : nullptr;
  const bool empty = list && list->kind == Node::Kind::list && list->items.empty();
  if (list && !empty && reader.list(*list, "waivers"))
    waivers = read_entries(*list, "waivers", As::waived, reader);
  if (parsed.root && reader.count() == 0) loaded.waivers = std::move(waivers);
  loaded.mistakes = reader.take_mistakes();
  return loaded;
}

}  // namespace labctl::scenario
