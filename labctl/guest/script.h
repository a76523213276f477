// Programs for a guest. Each is a file, scripts/NAME.sh or NAME.ps1, which is compiled in and is the same for
// every guest. What differs is put before it as assignments of quoted words; a value never becomes part of a
// script in any other way.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace labctl::guest {

using Values = std::vector<std::pair<const char*, std::string>>;

// For /bin/sh: the values as variables, the arguments as "$@".
std::string shell_script(const Values& values, std::string_view body,
                         const std::vector<std::string>& arguments = {});
// For PowerShell: a first line that names the script, then $ErrorActionPreference = 'Stop', by which what
// goes wrong in a command ends the script with status 1, then the values, then the parts.
std::string powershell_script(const std::string& name, const Values& values,
                              std::initializer_list<std::string_view> parts);

namespace scripts {

// For /bin/sh.
extern const std::string_view begin_load_sh, bpf_sh, booted_sh, built_dkms_sh, settle_sh, console_sh,
    console_shell_sh, content_digest_sh, crash_sh, crash_dump_sh, crash_kernel_sh, deliver_sh, dumps_sh,
    evidence_sh, install_deb_sh, install_dkms_sh, install_module_sh, install_rpm_sh, load_driver_sh,
    load_module_sh, load_state_sh, loaded_addresses_sh, loaded_sh, package_deb_sh, package_rpm_sh, place_sh,
    refusal_sh, remove_deb_sh, remove_module_sh, remove_rpm_sh, service_sh, set_cmdline_sh, grow_root_sh,
    place_folder_sh, folder_digest_sh, sleepers_sh, suspend_sh, unload_dkms_sh, unload_driver_sh,
    update_deb_sh, update_rpm_sh, whole_log_sh;
// For PowerShell.
extern const std::string_view boot_id_ps1, booted_ps1, content_digest_ps1, deliver_ps1, dumps_ps1, events_ps1,
    evidence_ps1, filter_ps1, guard_ps1, install_inf_ps1, install_msi_ps1, install_service_ps1,
    kernel_log_ps1, loaded_ps1, mark_pending_ps1, place_ps1, prove_crash_settings_ps1, prove_drivers_ps1,
    prove_events_ps1, prove_filters_ps1, prove_guard_ps1, prove_system_ps1, remove_inf_ps1, remove_msi_ps1,
    remove_service_ps1, set_verifier_ps1, stage_panic_ps1, step_filter_ps1, why_not_loaded_ps1;
}  // namespace scripts

}  // namespace labctl::guest
