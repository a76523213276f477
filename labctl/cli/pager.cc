#include "labctl/cli/pager.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "labctl/base/columns.h"
#include "labctl/base/subprocess.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

std::string pager() {
  if (const char* chosen = std::getenv("PAGER")) return chosen;
  return find_program("less").empty() ? "" : "less -R";
}

bool fits_on_terminal(std::string_view text) {
  winsize size{};
  if (::ioctl(1, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 || size.ws_col == 0) return true;
  std::size_t rows = 1;  // of the prompt that follows
  for (const auto& line : split(text, '\n'))
    rows += std::max<std::size_t>(1, (columns(line) + size.ws_col - 1) / size.ws_col);
  return rows <= size.ws_row;
}

// While somebody reads, Ctrl-C is the pager's, and one that is left early is no error.
class Ignored {
 public:
  Ignored() : interrupt_(::signal(SIGINT, SIG_IGN)), pipe_(::signal(SIGPIPE, SIG_IGN)) {}
  ~Ignored() {
    ::signal(SIGINT, interrupt_);
    ::signal(SIGPIPE, pipe_);
  }
  Ignored(const Ignored&) = delete;
  Ignored& operator=(const Ignored&) = delete;

 private:
  using Handler = void (*)(int);
  Handler interrupt_, pipe_;
};

constexpr int not_found = 127;  // the shell's word for it

}  // namespace

void print_paged(std::string_view text, bool may_page) {
  const char* terminal = std::getenv("TERM");
  const bool dumb = !terminal || std::string_view(terminal) == "dumb";
  const std::string command = may_page && !dumb && ::isatty(1) != 0 && !fits_on_terminal(text) ? pager() : "";
  if (command.empty()) return print_as_is(text);
  std::fflush(stdout);
  FILE* pipe = ::popen(command.c_str(), "w");  // before Ctrl-C is ignored, which it would inherit
  if (!pipe) return print_as_is(text);
  const Ignored ignored;
  std::fwrite(text.data(), 1, text.size(), pipe);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_found) print_as_is(text);
}

}  // namespace labctl::cli
