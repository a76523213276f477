// Windows. Every command is a PowerShell script: a first line that names it, the values that differ as
// assignments of single-quoted texts, and a body that is always the same, from scripts/*.ps1. No double
// quotes, because three programs would have a word in how they are read on the way.
//
// No Windows was at hand where this was written: the scripts come from Microsoft's documentation, and are run
// against the stand-in guest of tests/guests/nt-standin, which reads them by their first lines and values.
#pragma once

#include "labctl/guest/guest.h"

namespace labctl::guest {

class Windows final : public System {
 public:
  Shell shell() const override {
    return {"powershell.exe", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-Command"};
  }
  Question own(const std::string& name, const std::string& command) const override;
  Question identify() const override;
  Question booted() const override;
  Question settle() const override { return booted(); }
  Question cd_drive(Millis) const override;
  Question evidence() const override;
  Question console_check(const std::string&, const std::string&) const override { return {}; }
  Question kernel_log() const override;
  // The last one brings its dumps: dump=PATH|BYTES|TIME, then data= in base64, of at most 1 MiB each.
  std::vector<Question> last_questions() const override;
  Question reboot() const override;
  Question power_off() const override;
  Question set_clock(long long unix_seconds) const override;
  Question deliver(const std::vector<std::string>& files) const override;
  Question install(const scenario::Guest& guest, const Files& files) const override;
  Question remove(const scenario::Guest& guest, const Files& files) const override;
  Question unload(const scenario::Guest& guest) const override { return step_filter("unload", guest); }
  Question load(const scenario::Guest& guest) const override { return step_filter("load", guest); }
  Question filter(const scenario::Guest& guest) const override;
  Question guard() const override;
  Question loaded(const scenario::Guest& guest, const std::string& module, const Files& files) const override;
  Question place(const scenario::Content& content, const std::string& file) const override;
  Question apply(const scenario::Content& content, const std::string& file) const override;
  Question content_digest(const scenario::Content& content, const std::string& file) const override;
  std::vector<Crash> crashes() const override { return {Crash::nmi, Crash::panic}; }
  Question stage(Crash crash) const override;
  bool is_boot_id(const std::string& text) const override;
  bool taints() const override { return false; }
  const char* overseer() const override { return "Windows"; }
  const char* driver() const override { return "service"; }
  Traits traits() const override {
    return {.reboots_by_itself = true,
            .panic_has_stop_code = true,
            .crash_on_many_channels = true,
            .reads_screen = true,
            .reads_disk = true,
            .records_power_cuts = true,
            .sends_dumps = true,
            .kernel_log_is_records = true,
            .panic_needs_tool = true,
            .wants_joliet = true,
            .hyperv_platform = true,
            .nmi_panics = true,
            .console_hint =
                "in the image: bcdedit /ems {current} on, and bcdedit /emssettings EMSPORT:1 "
                "EMSBAUDRATE:115200",
            .drive_hint = "Windows lists no Win32_CDROMDrive: enable the cdrom service in the image"};
  }

 private:
  static Question step_filter(const std::string& step, const scenario::Guest& guest);
};

}  // namespace labctl::guest
