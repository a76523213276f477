#include "labctl/history/notes.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/yaml/reader.h"

namespace labctl::history {
namespace {

using yaml::Need;
using yaml::Node;
using yaml::Reader;

const std::vector<std::string> states = {"open", "fixed", "accepted"};

Note read_note(const Node& node, const std::string& what, Reader& reader) {
  Note note;
  if (!reader.map(node, what,
                  {{"title", Need::required, "the crash's title, as 'labctl history crash' prints it"},
                   {"ticket"},
                   {"note"},
                   {"owner"},
                   {"state"}}))
    return note;
  for (const auto& [key, value] :
       {std::pair("title", &note.title), std::pair("ticket", &note.ticket), std::pair("owner", &note.owner)})
    if (const auto* text = node.find(key)) *value = reader.one_line(*text, what + "." + key).value_or("");
  if (const auto* text = node.find("note")) note.note = reader.text(*text, what + ".note").value_or("");
  if (const auto* word = node.find("state"))
    if (const auto index = reader.choice(*word, what + ".state", states)) note.state = states[*index];
  return note;
}

}  // namespace

Notes read_notes(std::string_view text, const std::string& name) {
  const yaml::Variables none;
  yaml::Parsed parsed = yaml::parse_yaml(text, name, {"the notes", "begin with labctl: 1"});
  Reader reader(name, "the notes", none, {}, std::move(parsed.mistakes));
  Notes read;
  const bool readable =
      parsed.root && reader.map(*parsed.root, "",
                                {{"labctl", Need::required, "begin with labctl: 1"},
                                 {"problems", Need::required, "write problems: [{title: ...}]"}});
  if (readable) {
    if (const auto* version = parsed.root->find("labctl")) reader.integer(*version, "labctl", 1, 1);
    const Node* list = parsed.root->find("problems");
    const bool empty = list && list->kind == Node::Kind::list && list->items.empty();
    if (list && !empty && reader.list(*list, "problems"))
      for (std::size_t i = 0; i < list->items.size(); ++i) {
        read.notes.push_back(read_note(list->items[i], "problems[" + std::to_string(i) + "]", reader));
        const auto& last = read.notes.back().title;
        if (std::count_if(read.notes.begin(), read.notes.end(),
                          [&](const Note& other) { return other.title == last; }) > 1)
          reader.mistake(list->items[i].mark, fmt::format("the title {} stands twice", yaml::quoted(last)));
      }
  }
  read.mistakes = reader.take_mistakes();
  return read;
}

Status replace_notes(const Database& history, const std::vector<Note>& notes) {
  const auto& connection = history.connection();
  auto transaction = Transaction::begin(connection);
  if (!transaction) return fail(transaction.error());
  if (auto emptied = connection.run("DELETE FROM problem"); !emptied) return emptied;
  {
    auto insert =
        connection.prepare("INSERT INTO problem(title, ticket, note, owner, state) VALUES(?,?,?,?,?)");
    if (!insert) return fail(insert.error());
    for (const auto& note : notes)
      if (auto put = insert->run({note.title, note.ticket, note.note, note.owner, note.state}); !put)
        return put;
  }
  return transaction->commit();
}

}  // namespace labctl::history
