// What people know about a crash: its ticket, a note, who looks after it. The YAML file is the source, the
// table `problem` its copy. Nothing in it weakens the gate.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"
#include "labctl/history/database.h"

namespace labctl::history {

struct Note {
  std::string title;  // of the crash, exactly
  std::string ticket, note, owner;
  std::string state = "open";  // open, fixed or accepted
};

struct Notes {
  std::vector<Note> notes;
  std::vector<Error> mistakes;  // with line and column; any of them: `notes` is not to be used
};
Notes read_notes(std::string_view yaml, const std::string& name);

// Puts the notes in the place of those that are there; all of them or, after an error, none.
Status replace_notes(const Database& history, const std::vector<Note>& notes);

}  // namespace labctl::history
