#include "labctl/history/place.h"

#include <cstdlib>

namespace labctl::history {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

Result<std::filesystem::path> file_of(const std::string& given) {
  using std::filesystem::path;
  if (!given.empty()) return path(given);
  if (auto own = variable("LABCTL_HISTORY"); !own.empty()) return path(own);
  if (auto xdg = variable("XDG_STATE_HOME"); !xdg.empty()) return path(xdg) / "labctl/history.db";
  if (auto home = variable("HOME"); !home.empty()) return path(home) / ".local/state/labctl/history.db";
  return input_error("there is no place for the history: LABCTL_HISTORY, XDG_STATE_HOME and HOME are not set",
                     {}, "name the file with --db FILE");
}

}  // namespace labctl::history
