// Linux. The commands, scripts/*.sh where they are longer than a line, use nothing but a POSIX shell,
// coreutils, util-linux and kmod, which every image has.
#pragma once

#include "labctl/guest/guest.h"

namespace labctl::guest {

class Linux final : public System {
 public:
  Shell shell() const override { return {"/bin/sh", "-c"}; }
  Question own(const std::string& name, const std::string& command) const override { return {name, command}; }
  Question identify() const override;
  Question booted() const override;
  Question settle() const override;
  Question cd_drive(Millis limit) const override;
  Question evidence() const override;
  Question console_check(const std::string& text, const std::string& severity) const override;
  Question kernel_log() const override;
  Question whole_log() const override;
  std::vector<Question> last_questions() const override { return {kernel_log(), evidence()}; }
  Question reboot() const override;
  Question power_off() const override;
  Question suspend(int number) const override;
  Question crash_kernel() const override;
  Question crash(int number, const std::string& text, const std::string& severity) const override;
  Question crash_dump(int number, const std::string& text) const override;
  Question set_clock(long long unix_seconds) const override;
  Question deliver(const std::vector<std::string>& files) const override;
  Question install(const scenario::Guest& guest, const Files& files) const override;
  Question remove(const scenario::Guest& guest, const Files& files) const override;
  Question unload(const scenario::Guest& guest) const override;
  Question load(const scenario::Guest& guest) const override;
  Question update(const std::string& file) const override;
  Question loaded(const scenario::Guest& guest, const std::string& module, const Files& files) const override;
  Question service(const std::string& unit) const override;
  Question begin_load(int number, const std::string& command) const override;
  Question load_state(int number) const override;
  Question bpf(const scenario::Guest& guest, const Files& files) const override;
  Question place(const scenario::Content& content, const std::string& file) const override;
  Question apply(const scenario::Content& content, const std::string& file) const override;
  Question content_digest(const scenario::Content& content, const std::string& file) const override;
  std::vector<Crash> crashes() const override { return {std::begin(every_crash), std::end(every_crash)}; }
  Question stage(Crash crash) const override;
  bool is_boot_id(const std::string& text) const override;
  bool taints() const override { return true; }
  const char* overseer() const override { return "systemd"; }
  const char* driver() const override { return "module"; }
  Traits traits() const override {
    return {.restart_line = "reboot: Restarting system",
            .power_off_line = "reboot: Power down",
            .nmi_panics = true,
            .shows_build = true,
            .console_hint =
                "its kernel's command line needs console=ttyS0,115200 as the last console=, and loglevel=7",
            .drive_hint =
                "it has no /dev/sr0: its kernel needs sr_mod with ata_piix (BIOS) or ahci (UEFI), and "
                "udev to load them"};
  }
};

}  // namespace labctl::guest
