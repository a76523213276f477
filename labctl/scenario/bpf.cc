// The BPF programs of a candidate.

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/scenario/sections.h"

namespace labctl::scenario {

std::vector<std::string> read_bpf(const Node& node, const std::string& what, Reader& reader) {
  constexpr std::size_t most_programs = 32;
  std::vector<std::string> programs;
  if (node.kind == Node::Kind::list)
    programs = reader.texts(node, what);
  else if (const auto text = reader.one_line(node, what))
    programs = {*text};
  for (const std::string& program : programs)
    if (!is_bpf_name(program))
      reader.mistake(node.mark, fmt::format("{}: {} is not a BPF program's name", what, quoted(program)),
                     "letters, digits, '_' and '.', at most 59, as 'bpftool prog' prints it");
  if (programs.size() > most_programs)
    reader.mistake(node.mark, fmt::format("{}: more than {} programs", what, most_programs),
                   "name those that must be there");
  return programs;
}

}  // namespace labctl::scenario
