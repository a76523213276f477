#include "labctl/guest/assumptions.h"

#include <algorithm>
#include <optional>

#include "labctl/guest/script.h"

namespace labctl::guest {
namespace {

Question proving(const std::string& name, std::string_view body) {
  return {name, powershell_script(name, {}, {body})};
}

constexpr const char* again = "identify-again";

std::optional<std::string> value_in(const std::string& answer, const std::string& key) {
  const Facts facts = read_facts(answer);
  const auto found = facts.find(key);
  return found == facts.end() ? std::nullopt : std::optional(found->second);
}

Held held_against(const Assumption& assumption, const std::string& answer) {
  const auto seen = value_in(answer, assumption.key);
  if (!seen) return {&assumption, {}, Holds::unanswered};
  const bool assumed =
      assumption.any_of.empty()
          ? !seen->empty()
          : std::find(assumption.any_of.begin(), assumption.any_of.end(), *seen) != assumption.any_of.end();
  return {&assumption, *seen, assumed ? Holds::proved : Holds::differs};
}

}  // namespace

std::vector<Question> assumption_questions() {
  const System& windows = system_of(scenario::Os::windows);
  std::vector<Question> all = {windows.booted(),
                               windows.identify(),
                               windows.evidence(),
                               windows.kernel_log(),
                               proving("prove-system", scripts::prove_system_ps1),
                               proving("prove-crash-settings", scripts::prove_crash_settings_ps1),
                               proving("prove-events", scripts::prove_events_ps1),
                               proving("prove-drivers", scripts::prove_drivers_ps1),
                               proving("prove-guard", scripts::prove_guard_ps1),
                               proving("prove-filters", scripts::prove_filters_ps1)};
  all.push_back({again, windows.identify().command});
  return all;
}

const std::vector<Assumption>& assumptions() {
  static const std::vector<Assumption> all = {
      {"a boot that went well is told by the registry alone", "booted", "system", {"running"}},
      {"the moment of a boot can be asked for", "identify", "boot_id"},
      {"a system that never crashed has no record of a crash", "evidence", "crash_records", {"0"}},
      {"the System log is read in a form that has no language", "kernel-log", "log", {"System"}},
      {"the build is in the registry", "prove-system", "build"},
      {"the system's language is English", "prove-system", "language", {"en-US"}},
      {"Windows lies in C:\\Windows", "prove-system", "root", {"C:\\Windows", "C:\\WINDOWS"}},
      {"MiniNT is not there in a Windows that runs", "prove-system", "mini_nt", {"no"}},
      {"SafeBoot\\Option is not there outside safe mode", "prove-system", "safe_boot", {"no"}},
      {"setup has ended", "prove-system", "setup", {"0"}},
      {"a dump of the kernel is written at a stop", "prove-crash-settings", "dump", {"2", "7"}},
      {"an NMI stops Windows", "prove-crash-settings", "nmi_dump", {"1"}},
      {"Windows restarts behind a stop", "prove-crash-settings", "auto_reboot", {"1"}},
      {"the emergency console is on", "prove-crash-settings", "ems", {"yes"}},
      {"no recovery environment takes over", "prove-crash-settings", "recovery", {"no"}},
      {"events can be had as XML", "prove-events", "event_xml", {"readable"}},
      {"Get-WindowsDriver lists packages", "prove-drivers", "windows_driver", {"answers"}},
      {"a driver that runs is told by Win32_BaseService", "prove-drivers", "inbox_state", {"Running"}},
      {"drivers of the system lie in System32\\drivers", "prove-drivers", "inbox_file", {"there"}},
      {"Win32_DeviceGuard says what guards the kernel", "prove-guard", "device_guard", {"answers"}},
      {"Driver Verifier watches nothing that was not asked for", "prove-guard", "verify_drivers", {""}},
      {"Code Integrity has a log of its own", "prove-guard", "code_integrity_log", {"there"}},
      {"fltmc lists instances of filters", "prove-filters", "fltmc", {"answers"}},
      {"Defender's filter has an altitude in the registry, or is not there",
       "prove-filters",
       "defender_altitude",
       {"328010", "absent"}},
      {"the moment of a boot stays the same for a whole boot", again, "boot_id"},
  };
  return all;
}

std::vector<Held> hold(const std::map<std::string, std::string>& answers) {
  std::vector<Held> all;
  for (const Assumption& assumption : assumptions()) {
    const auto answer = answers.find(assumption.question);
    all.push_back(answer == answers.end() ? Held{&assumption} : held_against(assumption, answer->second));
  }
  // The last question is the moment of the boot again, and both have to agree.
  Held& last = all.back();
  const auto first = answers.find("identify");
  if (last.holds == Holds::proved &&
      (first == answers.end() || value_in(first->second, last.assumption->key) != last.seen))
    last.holds = Holds::differs;
  return all;
}

}  // namespace labctl::guest
