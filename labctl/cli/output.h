// What every verb says and returns. Results go to stdout, everything else to stderr.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "labctl/base/result.h"

namespace labctl::cli {

namespace exit_code {
constexpr int passed = 0, blocked = 1, bad_input = 2, no_verdict = 3, nothing_ran = 4, interrupted = 130;
}

int report_error(const Error& error);  // prints it; the exit code its fault asks for
int report_error(const std::vector<Error>& errors);

// For verbs that check something: whatever keeps them from looking is bad input, because no lab is at work.
int cannot_look(const Error& error);
int refuse(const std::string& why);  // in one line; exit_code::blocked

// The doors to the terminal: whatever guests and bundles put into a text does nothing there
// (base/terminal_text.h). A closed or full stdout is an error at exit.
void say(std::string_view line);         // one line on stderr
void print(std::string_view text);       // stdout; stderr where --json asks for a document (answer.h)
void print_json(std::string_view json);  // the same for JSON, which keeps its meaning
// For what has been through the door already and has colours of labctl's own, and for a guest's console that
// somebody has asked for.
void print_as_is(std::string_view text);

// Who draws on standard error below the lines of say(); from any thread.
class Below {
 public:
  virtual ~Below() = default;
  virtual void put_above(std::string_view lines) = 0;  // whole ones, which have been through the door
};
void say_above(Below* below);  // one at a time; nullptr: nobody any more

bool stderr_is_terminal();
bool use_colour(int fd);
// Columns that a table may have: the terminal's, and never less than 80; 100 where standard output is none.
std::size_t stdout_width();
// Columns at which sentences are broken: the same; 0, nowhere, where standard output is no terminal.
std::size_t break_width();

}  // namespace labctl::cli
