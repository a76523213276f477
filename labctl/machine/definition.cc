// Compared as the lines that they are printed as, never parsed: a definition out of somebody's bundle is
// only text here.
#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "labctl/base/text.h"
#include "labctl/machine/machine.h"

namespace labctl::machine {
namespace {

constexpr std::size_t most_told = 4;

// Lines without what no two machines share; a line that says nothing else is gone.
std::vector<std::string> what_counts(const std::string& definition) {
  std::vector<std::string> lines;
  for (const auto& raw : split(definition, '\n')) {
    std::string line(trim(raw));
    if (line.empty()) continue;
    const auto is = [&](const char* element) { return line.starts_with(element); };
    if (is("<name>") || is("<uuid>") || is("<genid>") || is("<emulator>") || is("<nvram") ||
        is("<qemu:arg value=\"file=") || is("<qemu:arg value=\"socket,id=labctl-agent,"))
      continue;
    for (const char* attribute : {" file=\"", " path=\""})
      if (const auto from = line.find(attribute); from != std::string::npos)
        if (const auto end = line.find('"', from + std::string_view(attribute).size());
            end != std::string::npos)
          line.erase(from, end - from + 1);
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string only_in(const std::vector<std::string>& mine, const std::vector<std::string>& theirs) {
  std::vector<std::string> own;
  std::set_difference(mine.begin(), mine.end(), theirs.begin(), theirs.end(), std::back_inserter(own));
  const std::size_t more = own.size() > most_told ? own.size() - most_told : 0;
  own.resize(own.size() - more);
  for (auto& line : own) line = "'" + printable(line, 120) + "'";
  if (more != 0) own.push_back(fmt::format("and {} more", more));
  return join(own, ", ");
}

}  // namespace

std::string definition_difference(const std::string& then, const std::string& now) {
  const auto before = what_counts(then), here = what_counts(now);
  const std::string gone = only_in(before, here), come = only_in(here, before);
  if (gone.empty() && come.empty()) return {};
  return fmt::format("{} where this host's has {}",
                     gone.empty() ? "the run's had nothing" : fmt::format("the run's had {}", gone),
                     come.empty() ? "nothing" : come);
}

}  // namespace labctl::machine
