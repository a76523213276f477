// What happened in a run and in one of its cells, to be read on a terminal. What guests said is not escaped
// in here: the text goes through the door to the terminal as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "labctl/base/json_fwd.h"
#include "labctl/report/report.h"

namespace labctl::report {

// Lines of a console as the guest sent them.
struct Console {
  std::uint64_t first_line = 0;  // its number, counted from 1; 0: not known
  std::vector<std::string> lines;
  std::string problem;  // why there are none
};

// Of one cell: around each of the outcome's findings that was on the console, by its index; and the end, of a
// cell without such a finding that did not pass.
struct Consoles {
  std::map<std::size_t, Console> around;
  std::optional<Console> end;
};

// What was run, when and on what, above the summary of all cells.
std::string show_run(const Record& record);

// One cell: how it ended, what it was given, its story with times, its boots, what each had to prove, and
// each finding with what stood around it. `cell` is its place in the plan.
std::string show_cell(const Record& record, std::size_t cell, const Consoles& consoles, std::size_t width);

// The same for programs: reports/show.schema.json. `consoles` by the cell's place.
Json show_json(const Record& record, const std::vector<std::size_t>& cells,
               const std::map<std::size_t, Consoles>& consoles);

}  // namespace labctl::report
