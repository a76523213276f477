// Whether the candidate's BPF programs are in the kernel, and stay the ones that were seen first. A tag is
// the digest of a program's instructions; what it will be, only the kernel that loads it knows, so the
// delivered bytes cannot be compared with it.

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

constexpr std::size_t tag_digits = 16;

// The tags of one program as the guest told them. Nothing: that is no list of tags.
std::optional<std::vector<std::string>> tags_of(const guest::Facts& facts, const std::string& program) {
  const auto told = facts.find("tags." + program);
  if (told == facts.end()) return std::nullopt;
  std::vector<std::string> tags;
  for (const std::string& tag : split(told->second, ' ')) {
    if (tag.empty()) continue;
    if (tag.size() != tag_digits || tag.find_first_not_of("0123456789abcdef") != tag.npos)
      return std::nullopt;
    tags.push_back(tag);
  }
  std::sort(tags.begin(), tags.end());
  return tags;
}

std::string why_none(const guest::Facts& facts) {
  return fact(facts, "jit") == "0"
             ? " (net.core.bpf_jit_enable is 0: this kernel interprets programs and lists none)"
             : "";
}

}  // namespace

void CellMachine::judge_bpf_before(const guest::Facts& facts) {
  for (const auto& program : s_.cell.guest.driver.bpf) {
    const auto tags = tags_of(facts, program);
    if (!tags) return lab("the guest does not report its BPF programs");
    s_.bpf[program].before = *tags;
  }
}

void CellMachine::judge_bpf(const guest::Facts& facts) {
  for (const auto& program : s_.cell.guest.driver.bpf) {
    const std::string name = fmt::format("the BPF program {}", program);
    const auto tags = tags_of(facts, program);
    if (!tags) return fail(unable(), fmt::format("the guest did not report the tag of {}", name));
    if (tags->empty())
      return fail(Ending::not_loaded, fmt::format("{} is not loaded{}", name, why_none(facts)));
    State::Bpf& seen = s_.bpf[program];
    if (*tags == seen.before)
      return fail(Ending::not_loaded,
                  fmt::format("{} was loaded before anything was delivered and is the same now: nothing was "
                              "installed",
                              name));
    if (std::exchange(seen.other_kernel, false) || operation().new_driver || seen.tags.empty())
      seen.tags = *tags;
    if (*tags != seen.tags)
      return fail(Ending::not_loaded,
                  fmt::format("another build of {} is loaded than after the installation: its tag is {}, and "
                              "was {}",
                              name, join(*tags, ", "), join(seen.tags, ", ")));
  }
  if (const std::string package = fact(facts, "package"); is_packaged() && package != "right")
    fail(Ending::not_loaded, fmt::format("the package is in the wrong state: {}",
                                         package.empty() ? "nothing said" : printable(package, 120)));
}

void CellMachine::judge_bpf_gone(const guest::Facts& facts) {
  for (const auto& program : s_.cell.guest.driver.bpf) {
    const auto tags = tags_of(facts, program);
    if (!tags)
      return fail(unable(), fmt::format("the guest did not report the tag of the BPF program {}", program));
    if (!tags->empty() && *tags != s_.bpf[program].before)
      return fail(Ending::not_loaded,
                  fmt::format("the BPF program {} is still loaded after its removal", program));
  }
}

// Not loaded yet, of any of them.
bool CellMachine::lacks_bpf(const guest::Facts& facts) const {
  const auto& programs = s_.cell.guest.driver.bpf;
  return std::any_of(programs.begin(), programs.end(), [&](const auto& program) {
    const auto tags = tags_of(facts, program);
    return tags && tags->empty();
  });
}

bool CellMachine::is_packaged() const {
  const auto kind = s_.cell.guest.driver.kind;
  return kind == scenario::DriverKind::deb || kind == scenario::DriverKind::rpm;
}

}  // namespace labctl::cell
