#include "labctl/cli/output.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "labctl/base/terminal_text.h"
#include "labctl/cli/answer.h"

namespace labctl::cli {
namespace {

std::mutex stderr_mutex;
Below* drawing = nullptr;

void say_as_is(std::string_view lines) {
  const std::lock_guard lock(stderr_mutex);
  if (drawing)
    drawing->put_above(lines);
  else
    std::fwrite(lines.data(), 1, lines.size(), stderr);
}

}  // namespace

int report_error(const Error& error) {
  answer_error(error);
  // A place comes first in its line, where editors look for it.
  say(error.where.empty() ? fmt::format("labctl: {}", error.text()) : error.text());
  switch (error.fault) {
    case Fault::input:
      return exit_code::bad_input;
    case Fault::lab:
      return exit_code::no_verdict;
    case Fault::interrupted:
      return exit_code::interrupted;
  }
  return exit_code::no_verdict;
}

int report_error(const std::vector<Error>& errors) {
  int worst = exit_code::bad_input;
  for (const auto& error : errors)
    if (int code = report_error(error); error.fault != Fault::input) worst = code;
  return worst;
}

int cannot_look(const Error& error) {
  report_error(error);
  return exit_code::bad_input;
}

int refuse(const std::string& why) {
  answer_refusal(why);
  say(fmt::format("labctl: refused: {}", why));
  return exit_code::blocked;
}

void say(std::string_view line) { say_as_is(for_terminal(line) + "\n"); }

void say_above(Below* below) {
  const std::lock_guard lock(stderr_mutex);
  drawing = below;
}

void print_as_is(std::string_view text) {
  if (is_answering()) return say_as_is(text);
  std::fwrite(text.data(), 1, text.size(), stdout);
}
void print(std::string_view text) { print_as_is(for_terminal(text)); }
void print_json(std::string_view json) {
  answered();
  const std::string safe = json_for_terminal(json);
  std::fwrite(safe.data(), 1, safe.size(), stdout);
}

bool stderr_is_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(2) != 0 && terminal && std::string_view(terminal) != "dumb";
}

bool use_colour(int fd) {
  const char* forbidden = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(fd) != 0 && !(forbidden && *forbidden) && terminal && std::string_view(terminal) != "dumb";
}

std::size_t break_width() { return ::isatty(1) != 0 ? stdout_width() : 0; }

std::size_t stdout_width() {
  winsize size{};
  const bool known = ::isatty(1) != 0 && ::ioctl(1, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return known ? std::max<std::size_t>(80, size.ws_col) : 100;
}

}  // namespace labctl::cli
