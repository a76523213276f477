#include "labctl/guest/windows.h"

#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/guest/script.h"

namespace labctl::guest {
namespace {

using scenario::DriverKind;
using Parts = std::initializer_list<std::string_view>;

const std::string payload_folder = "C:\\ProgramData\\labctl\\payload";

Question script(const std::string& name, const Values& values, Parts parts) {
  return {name, powershell_script(name, values, parts)};
}

// The name of a question is not that of the script that puts it where there are several.
Question named(const std::string& name, const std::string& script_name, const Values& values, Parts parts) {
  return {name, powershell_script(script_name, values, parts)};
}

constexpr std::string_view success = "exit 0\n", tell_package = "$env:LABCTL_DRIVER = $package\n";

std::string payload(const std::string& file) { return payload_folder + "\\" + file; }
// A driver of Windows is one file: a folder that is packed, an installer.
std::string package_of(const Files& files) { return payload(files.empty() ? std::string() : files.front()); }

// An author's command: a program's status is the command's.
std::string authors(const std::string& command) {
  return "$global:LASTEXITCODE = 0\n" + command + "\nexit $LASTEXITCODE\n";
}

}  // namespace

Question Windows::own(const std::string& name, const std::string& command) const {
  return script(name, {}, {authors(command)});
}

Question Windows::identify() const { return script("identify", {}, {scripts::boot_id_ps1}); }

Question Windows::booted() const { return script("booted", {}, {scripts::booted_ps1}); }

Question Windows::cd_drive(Millis) const {
  return {"cd-drive", "if (-not (Get-CimInstance Win32_CDROMDrive)) { exit 1 }"};
}

Question Windows::evidence() const {
  return script("evidence", {}, {scripts::boot_id_ps1, scripts::events_ps1, scripts::evidence_ps1});
}

Question Windows::kernel_log() const {
  return script("kernel-log", {}, {scripts::events_ps1, scripts::kernel_log_ps1});
}

std::vector<Question> Windows::last_questions() const {
  return {kernel_log(), evidence(), script("dumps", {}, {scripts::dumps_ps1})};
}

Question Windows::reboot() const { return script("reboot", {}, {"shutdown.exe /r /t 0\n"}); }

Question Windows::power_off() const { return script("power-off", {}, {"shutdown.exe /s /t 0\n"}); }

// Windows computes its boot time from its clock: to set that would make another boot of this one.
Question Windows::set_clock(long long) const { return {"set-clock", {}}; }

Question Windows::deliver(const std::vector<std::string>& files) const {
  return script("deliver", {{"files", join(files, "|")}, {"folder", payload_folder}}, {scripts::deliver_ps1});
}

Question Windows::install(const scenario::Guest& guest, const Files& files) const {
  const auto& driver = guest.driver;
  const std::uint32_t flags = scenario::flags_of(guest.verifier);
  const std::string verifier =
      flags != 0 ? fmt::format("0x{:X}", flags) : scenario::to_string(guest.verifier);
  Values values = {
      {"package", package_of(files)}, {"service", join(driver.modules, "|")}, {"verifier", verifier}};
  switch (driver.kind) {
    case DriverKind::inf:
      values.emplace_back("certificate", driver.certificate);
      return named("install", "install-inf", values,
                   {scripts::install_inf_ps1, scripts::mark_pending_ps1, scripts::set_verifier_ps1, success});
    case DriverKind::service:
      values.emplace_back("start", driver.start);
      return named(
          "install", "install-service", values,
          {scripts::install_service_ps1, scripts::mark_pending_ps1, scripts::set_verifier_ps1, success});
    case DriverKind::msi:
      return named("install", "install-msi", values,
                   {scripts::install_msi_ps1, scripts::mark_pending_ps1, scripts::set_verifier_ps1, success});
    default:
      break;
  }
  return named("install", "install-script", values,
               {scripts::set_verifier_ps1, tell_package, authors(driver.install)});
}

Question Windows::remove(const scenario::Guest& guest, const Files& files) const {
  const auto& driver = guest.driver;
  const Values values = {{"package", package_of(files)}, {"service", join(driver.modules, "|")}};
  switch (driver.kind) {
    case DriverKind::inf:
      return named("remove", "remove-inf", values, {scripts::remove_inf_ps1, scripts::remove_service_ps1});
    case DriverKind::service:
      return named("remove", "remove-service", values, {scripts::remove_service_ps1});
    case DriverKind::msi:
      return named("remove", "remove-msi", values, {scripts::remove_msi_ps1});
    default:
      break;
  }
  return named("remove", "remove-script", values, {tell_package, authors(driver.remove)});
}

Question Windows::loaded(const scenario::Guest& guest, const std::string& module, const Files&) const {
  return script("loaded", {{"service", module}, {"kind", scenario::to_string(guest.driver.kind)}},
                {scripts::loaded_ps1, scripts::why_not_loaded_ps1});
}

// Of the drivers of Windows only minifilters can be taken out of a system that runs. The first service is
// one.
Question Windows::step_filter(const std::string& step, const scenario::Guest& guest) {
  if (!guest.driver.filter || guest.driver.modules.empty()) return {step, {}};
  return named(step, step + "-filter", {{"step", step}, {"service", guest.driver.modules.front()}},
               {scripts::step_filter_ps1, success});
}

Question Windows::filter(const scenario::Guest& guest) const {
  if (!guest.driver.filter || guest.driver.modules.empty()) return {"filter", {}};
  return script("filter", {{"service", guest.driver.modules.front()}}, {scripts::filter_ps1});
}

Question Windows::guard() const { return script("guard", {}, {scripts::guard_ps1}); }

Question Windows::place(const scenario::Content& content, const std::string& file) const {
  return script("place", {{"file", payload(file)}, {"path", content.path}}, {scripts::place_ps1});
}

Question Windows::apply(const scenario::Content& content, const std::string& file) const {
  return script("apply", {{"file", payload(file)}, {"path", content.path}},
                {scripts::place_ps1, content.apply.empty() ? std::string() : authors(content.apply)});
}

Question Windows::content_digest(const scenario::Content& content, const std::string&) const {
  return script("content-digest", {{"path", content.path}}, {scripts::content_digest_ps1});
}

Question Windows::stage(Crash crash) const {
  if (crash != Crash::panic) return {"stage-" + std::string(to_string(crash)), {}};
  return script("stage-panic", {}, {scripts::stage_panic_ps1});
}

// "2026-11-22T08:15:30.5000000Z"
bool Windows::is_boot_id(const std::string& text) const {
  static constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddddddZ";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return false;
  }
  return true;
}

}  // namespace labctl::guest
