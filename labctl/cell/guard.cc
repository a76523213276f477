// What guards the kernel of a Windows, and whether it does. A driver that memory integrity would refuse, or
// that Driver Verifier would stop, is as well as any other where neither of them runs; so a cell that asks
// for them never passes on their being configured.

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/cell/cell_machine.h"

namespace labctl::cell {

using outcome::Ending;

namespace {

// Of Win32_DeviceGuard: VirtualizationBasedSecurityStatus 2 is "running"; in SecurityServicesRunning 2 is
// memory integrity.
constexpr const char *vbs_runs = "2", *memory_integrity = "2";

bool runs_memory_integrity(const guest::Facts& facts) {
  const auto services = split(fact(facts, "services_running"), ' ');
  return fact(facts, "vbs") == vbs_runs &&
         std::find(services.begin(), services.end(), memory_integrity) != services.end();
}

std::string told(const guest::Facts& facts, const char* key) {
  const std::string text = fact(facts, key);
  return text.empty() ? "nothing" : printable(text, 40);
}

std::uint32_t level_of(const guest::Facts& facts) {
  const std::string text = fact(facts, "verifier_level");
  const bool number =
      !text.empty() && text.size() <= 10 && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? static_cast<std::uint32_t>(std::stoull(text)) : 0;
}

}  // namespace

// Before the candidate is there, or without it, it is the image's or the host's fault.
void CellMachine::judge_guard(const guest::Facts& facts) {
  if (runs_memory_integrity(facts)) return;
  const std::string what = fmt::format(
      "memory integrity does not run in this guest (Win32_DeviceGuard says VBS {}, services that run {})",
      told(facts, "vbs"), told(facts, "services_running"));
  if (s_.cell.control || !s_.candidate_in || operation().check == Check::guard_before)
    return lab(fmt::format("{}; the image must have it on, and the host must let guests virtualize", what));
  fail(Ending::altered, fmt::format("{}, and did before the candidate was there", what));
}

// It is set for a driver in one boot and watches it from the next one on. Journals from before this was
// asked have no word of it, and know no flags of ours.
void CellMachine::judge_verifier(const guest::Facts& facts) {
  const auto mode = s_.cell.guest.verifier;
  if (mode == scenario::Verifier::off) return;
  const std::string& name = operation().subject;
  if (fact(facts, "verifier") != "on")
    return fail(Ending::not_loaded, fmt::format("Driver Verifier does not watch {}", name));
  const std::uint32_t flags = scenario::flags_of(mode);
  const std::string active = fact(facts, "verifier_active");
  if (active.empty() && flags == 0) return;
  State::Module& module = s_.modules[name];
  if (operation().new_driver) module.verifier_waits = s_.boot_id;
  if ((level_of(facts) & flags) != flags)
    return fail(Ending::not_loaded,
                fmt::format("Driver Verifier has the flags {:#x} for {}, and {:#x} were asked for",
                            level_of(facts), name, flags));
  if (active == "waits" && module.verifier_waits == s_.boot_id) return;
  if (active != "yes")
    fail(Ending::not_loaded,
         fmt::format("Driver Verifier is set for {} and does not watch it in this boot", name));
}

}  // namespace labctl::cell
