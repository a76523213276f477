#include "labctl/guest/sleepers.h"

#include <fmt/core.h>

#include "labctl/base/text.h"

namespace labctl::guest {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view prefix = "sleeper.";
constexpr std::size_t most_frames = 32;

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Millis seconds(const Facts& facts, const char* key) {
  const auto found = facts.find(key);
  if (found == facts.end() || !is_number(found->second)) return 0ms;
  return std::chrono::seconds(std::stol(found->second));
}

}  // namespace

std::vector<Sleeper> sleepers(const Facts& facts) {
  std::vector<Sleeper> all;
  for (const auto& [key, value] : facts) {
    if (key.compare(0, prefix.size(), prefix) != 0) continue;
    std::vector<std::string> parts = split(value, '|');
    const auto space = parts[0].find(' ');
    if (space == std::string::npos) continue;
    Sleeper sleeper{.thread = key.substr(prefix.size()),
                    .switches = parts[0].substr(0, space),
                    .name = printable(parts[0].substr(space + 1), 40)};
    for (std::size_t i = 1; i < parts.size() && sleeper.frames.size() < most_frames; ++i)
      if (!parts[i].empty()) sleeper.frames.push_back(printable(parts[i], 200));
    all.push_back(std::move(sleeper));
  }
  return all;
}

// It looks at every interval, or at every timeout where there is none, and what it finds it says at once.
Millis hung_task_patience(const Facts& facts) {
  const Millis timeout = seconds(facts, "hung_task_timeout");
  const Millis interval = seconds(facts, "hung_task_interval");
  return timeout + (interval > 0ms && interval < timeout ? interval : timeout);
}

std::string hung_task_report(const Sleeper& sleeper, Millis slept) {
  const std::string number = sleeper.thread.substr(0, sleeper.thread.find('.'));
  std::string text = fmt::format(
      "INFO: task {}:{} blocked for more than {} seconds.\ntask:{} state:D stack:0 pid:{}\nCall Trace:\n "
      "<TASK>\n",
      sleeper.name, number, slept.count() / 1000, sleeper.name, number);
  for (const auto& frame : sleeper.frames) text += " " + frame + "\n";
  return text + " </TASK>\n";
}

}  // namespace labctl::guest
