// The operating system is updated in the middle of a story. The package is nothing of the candidate's: the
// control gets it as well, so what fails there is the lab's or the author's. Where it holds a kernel, the
// boots behind it must show that one, and the candidate must be there for it.

#include <fmt/core.h>

#include <utility>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

void CellMachine::judge_update(const event::Answer& answer, const guest::Facts& facts) {
  if (answer.exit_code != 0)
    return fail(s_.candidate_in ? Ending::not_loaded : Ending::lab_failed,
                fmt::format("the update was not installed: '{}' ended with status {}{}", answer.question,
                            answer.exit_code, last_words(answer)));
  const auto told = facts.find("kernels");
  if (told == facts.end())
    return fail(unable(), "the guest did not report which kernel its update installed");
  const auto kernels = guest::kernels_in(told->second);
  if (!kernels)
    return fail(unable(), fmt::format("the guest reports '{}' as the kernel that its update installed",
                                      printable(told->second, 80)));
  if (kernels->size() > 1)
    return lab(fmt::format("the update holds several kernels ({}), and the next boot shows only one",
                           printable(join(*kernels, ", "), 200)));
  if (!kernels->empty()) s_.next_kernel = kernels->front();
}

// A kernel that an update installed is started by the next boot, and what is in memory is another build
// there.
void CellMachine::begin_kernel() {
  if (s_.next_kernel.empty()) return;
  s_.kernel_is_updates = true;
  const std::string before = std::exchange(s_.kernel, std::exchange(s_.next_kernel, {}));
  if (before == s_.kernel) return;
  for (auto& [name, module] : s_.modules) module.other_kernel = true;
  for (auto& [name, program] : s_.bpf) program.other_kernel = true;
}

// Without the candidate it is the image's boot loader that starts another one: the newest, perhaps.
void CellMachine::fail_other_kernel(const std::string& release) {
  fail(s_.candidate_in ? Ending::not_loaded : Ending::lab_failed,
       fmt::format("the guest runs kernel {} and not the one that its update installed, {}: its boot loader "
                   "starts another",
                   printable(release, 80), printable(s_.kernel, 80)));
}

std::string CellMachine::under_updates_kernel() const {
  return fmt::format(" under the kernel that an update installed, {}", printable(s_.kernel, 80));
}

}  // namespace labctl::cell
