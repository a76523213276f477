#include "labctl/guest/linux.h"

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/guest/script.h"

namespace labctl::guest {

namespace {

// Not in /tmp or /run: a driver that installs itself at the next boot must still find its package.
const std::string payload_folder = "/var/lib/labctl/payload";

std::string payload(const std::string& file) { return payload_folder + "/" + file; }

const std::string module_folder = "/usr/lib/labctl-candidate";
std::string module_file(const scenario::Driver& driver) {
  return module_folder + "/" + driver.module + ".ko";
}

std::string install_module(const scenario::Driver& driver, const std::string& file) {
  const std::string loader = "#!/bin/sh\n" + shell_script({{"module", module_file(driver)}},
                                                          scripts::load_module_sh, driver.options);
  return shell_script(
      {{"file", file}, {"folder", module_folder}, {"module", driver.module}, {"loader", loader}},
      scripts::install_module_sh);
}

// A script of the author's own; it is given the path of its artifact.
std::string authors(const std::string& command, const std::string& file) {
  return "export LABCTL_DRIVER=" + shell_quote(file) + "; " + command;
}

}  // namespace

Question Linux::stage(Crash crash) const {
  switch (crash) {
    case Crash::nmi:
      return {"stage-nmi", {}};
    case Crash::panic:
      return {"stage-panic", "echo c >/proc/sysrq-trigger"};
    case Crash::oops:
      return {"stage-oops", "insmod /usr/lib/labctl/canary.ko"};
    case Crash::hang:  // suspended to idle with nothing that could wake it, the guest takes no input and
                       // gives no output
      return {"stage-hang", "echo freeze >/sys/power/state"};
    case Crash::reset:
      return {"stage-reset", "echo triple >/sys/kernel/reboot/type; echo b >/proc/sysrq-trigger"};
  }
  return {};
}

Question Linux::identify() const {
  return {"identify", "echo boot_id=$(cat /proc/sys/kernel/random/boot_id)"};
}

Question Linux::booted() const { return {"booted", std::string(scripts::booted_sh)}; }

Question Linux::settle() const { return {"settle", std::string(scripts::settle_sh)}; }

// Devices are still being plugged when systemd already says that all is well.
Question Linux::cd_drive(Millis limit) const {
  const std::string seconds = std::to_string(std::max<long long>(1, limit.count() / 1000));
  return {"cd-drive", "timeout " + seconds + " sh -c 'until test -b /dev/sr0; do sleep 0.2; done'"};
}

Question Linux::evidence() const {
  return {"evidence", std::string(scripts::evidence_sh) + std::string(scripts::sleepers_sh)};
}

Question Linux::console_check(const std::string& text, const std::string& severity) const {
  return {"console-check", shell_script({{"text", text}, {"severity", severity}}, scripts::console_sh) +
                               std::string(scripts::sleepers_sh)};
}

// Raw, because the ways to print it for people differ: newer util-linux puts the caller in a column of its
// own.
Question Linux::kernel_log() const { return {"kernel-log", "dmesg -r 2>/dev/null || dmesg"}; }

Question Linux::whole_log() const { return {"whole-log", std::string(scripts::whole_log_sh)}; }

Question Linux::reboot() const { return {"reboot", "shutdown -r now"}; }

Question Linux::power_off() const { return {"power-off", "shutdown -P now"}; }

Question Linux::set_clock(long long unix_seconds) const {
  return {"set-clock", "date -u -s @" + std::to_string(unix_seconds)};
}

Question Linux::deliver(const std::vector<std::string>& files) const {
  return {"deliver", shell_script({{"folder", payload_folder}}, scripts::deliver_sh, files)};
}

Question Linux::install(const scenario::Guest& guest, const std::string& file_name) const {
  const auto& driver = guest.driver;
  const std::string file = payload(file_name);
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return {"install", shell_script({{"package", file}}, scripts::install_deb_sh)};
    case scenario::DriverKind::rpm:
      return {"install", shell_script({{"package", file}}, scripts::install_rpm_sh)};
    case scenario::DriverKind::kmod:
      return {"install", install_module(driver, file)};
    case scenario::DriverKind::script:
      return {"install", authors(driver.install, file)};
    default:
      break;
  }
  return {"install", "exit 1"};
}

Question Linux::remove(const scenario::Guest& guest, const std::string& file_name) const {
  const auto& driver = guest.driver;
  const std::string file = payload(file_name);
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return {"remove", shell_script({{"package", file}}, scripts::remove_deb_sh)};
    case scenario::DriverKind::rpm:
      return {"remove", shell_script({{"package", file}}, scripts::remove_rpm_sh)};
    case scenario::DriverKind::kmod:
      return {"remove", shell_script({{"module", driver.module}, {"folder", module_folder}},
                                     scripts::remove_module_sh)};
    case scenario::DriverKind::script:
      return {"remove", authors(driver.remove, file)};
    default:
      break;
  }
  return {"remove", "exit 1"};
}

Question Linux::loaded(const scenario::Guest& guest, const std::string& file) const {
  const auto& driver = guest.driver;
  const bool bare = driver.kind == scenario::DriverKind::kmod && !file.empty();
  const std::string module = bare ? module_file(driver) : "";
  std::string script = shell_script({{"module", driver.module}, {"file", module}}, scripts::loaded_sh);
  if (file.empty()) return {"loaded", script};  // nothing is delivered yet, or any more
  if (driver.kind == scenario::DriverKind::deb)
    script += shell_script({{"package", payload(file)}}, scripts::package_deb_sh);
  if (driver.kind == scenario::DriverKind::rpm)
    script += shell_script({{"package", payload(file)}}, scripts::package_rpm_sh);
  return {"loaded", script};
}

// In a shell of its own, so that an author's command that comes behind it sees nothing of it.
Question Linux::place(const scenario::Content& content, const std::string& file) const {
  return {"place", "(\n" +
                       shell_script({{"file", payload(file)}, {"path", content.path}}, scripts::place_sh) +
                       ") || exit " + std::to_string(not_copied)};
}

Question Linux::apply(const scenario::Content& content, const std::string& file) const {
  std::string script = place(content, file).command;
  if (!content.apply.empty()) script += "\n" + content.apply;
  return {"apply", script};
}

Question Linux::content_digest(const scenario::Content& content) const {
  return {"content-digest", shell_script({{"path", content.path}}, scripts::content_digest_sh)};
}

std::string fault_taints(std::uint64_t before, std::uint64_t now) {
  static constexpr struct {
    int bit;
    char letter;
  } sick[] = {{1, 'F'}, {3, 'R'}, {4, 'M'}, {5, 'B'}, {7, 'D'}, {9, 'W'}, {14, 'L'}};
  std::string letters;
  for (const auto& [bit, letter] : sick)
    if ((now & ~before) >> bit & 1) letters += letter;
  return letters;
}

bool Linux::is_boot_id(const std::string& text) const {
  static constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
    if (shape[i] == '-' ? text[i] != '-' : !hex) return false;
  }
  return true;
}

}  // namespace labctl::guest
