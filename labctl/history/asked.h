// What several questions share. Only for this room.
#pragma once

#include <string>
#include <vector>

#include "labctl/base/json.h"
#include "labctl/base/result.h"
#include "labctl/history/analysis.h"
#include "labctl/history/database.h"

namespace labctl::history {

// Calls read(Rows&) for each row.
template <class F>
Status each(const Database& history, std::string_view sql, Parameters parameters, F read) {
  auto rows = history.connection().ask(sql, parameters);
  if (!rows) return fail(rows.error());
  for (;;) {
    auto row = rows->step();
    if (!row) return fail(row.error());
    if (!*row) return {};
    read(*rows);
  }
}

// A cell of a scenario with its results in the order of time; each journal once.
struct Course {
  std::string scenario, cell;
  bool control = false;
  std::vector<CellResult> results;
};
// Of all cells of the last whole run of each scenario, or of those with this id in any run.
Result<std::vector<Course>> courses(const Database& history);
Result<std::vector<Course>> courses(const Database& history, const std::string& cell);

// {"run": NAME, "began": ...} of a run's key.
Result<Json> run_reference(const Database& history, std::int64_t key);

// "standing", "since", "last_good" or "last_bad" of a course.
Status add_standing(const Database& history, const Course& course, Json& json);

// What a crash (a member of the answer to ask_crash(), with its title) was seen with.
Status add_crash_details(const Database& history, Json& crash);

// Ids of cells for "did you mean".
Result<std::vector<std::string>> known_cells(const Database& history);

}  // namespace labctl::history
