#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/plan/plan.h"

namespace labctl::plan {
namespace {

std::string listed(const std::string& one, const std::string& several,
                   const std::vector<std::string>& names) {
  if (names.size() == 1) return one + " " + names.front();
  return std::to_string(names.size()) + " " + several + " (" + join_some(names) + ")";
}

}  // namespace

std::string proved_in_words(const Cell& cell) {
  const auto& driver = cell.guest.driver;
  const bool windows = cell.guest.os == scenario::Os::windows;
  std::vector<std::string> parts;
  if (!driver.modules.empty())
    parts.push_back(listed(windows ? "service" : "module", windows ? "services" : "modules", driver.modules) +
                    (windows                                     ? " by its file"
                     : driver.kind == scenario::DriverKind::dkms ? " by the build id of what the guest built"
                                                                 : " by build id"));
  if (!driver.services.empty() && driver.kind != scenario::DriverKind::kmod)
    parts.push_back(fmt::format("{} by program, without a restart by itself",
                                listed("service", "services", driver.services)));
  if (!driver.bpf.empty())
    parts.push_back(listed("BPF program", "BPF programs", driver.bpf) + " by name and tag");
  if (!cell.content.empty() && cell.guest.content)
    parts.push_back(cell.guest.content->is_folder() ? "each content file of its folder by digest"
                                                    : "content file by digest");
  if (const auto proofs = cell.guest.proof.size(); proofs != 0)
    parts.push_back(std::to_string(proofs) + (proofs == 1 ? " command of yours" : " commands of yours"));
  std::string words = parts.empty() ? "nothing of the candidate" : join(parts, ", ");
  if (const auto load = cell.guest.background.size(); load != 0)
    words += fmt::format("; while {} of yours {} in the background",
                         load == 1 ? std::string("a command") : fmt::format("{} commands", load),
                         load == 1 ? "runs" : "run");
  const bool updated = std::any_of(cell.story.begin(), cell.story.end(),
                                   [](const auto& step) { return step.kind == scenario::StepKind::update; });
  if (updated) words += "; in boots behind an update, the kernel that it installed";
  return words;
}

}  // namespace labctl::plan
