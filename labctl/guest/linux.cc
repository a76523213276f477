#include "labctl/guest/linux.h"

#include <algorithm>

#include "labctl/base/text.h"
#include "labctl/guest/script.h"

namespace labctl::guest {

namespace {

// Not in /tmp or /run: a driver that installs itself at the next boot must still find its package.
const std::string payload_folder = "/var/lib/labctl/payload";

std::string payload(const std::string& file) { return payload_folder + "/" + file; }

Files payloads(const Files& files) {
  Files paths;
  for (const auto& file : files) paths.push_back(payload(file));
  return paths;
}

const std::string module_folder = "/usr/lib/labctl-candidate";
std::string module_file(const std::string& module) { return module_folder + "/" + module + ".ko"; }

// Of several modules each option names its own: "sensor_net.level=3".
std::vector<std::string> options_of(const scenario::Driver& driver, const std::string& module) {
  if (driver.modules.size() == 1) return driver.options;
  std::vector<std::string> own;
  for (const auto& option : driver.options)
    if (option.starts_with(module + ".")) own.push_back(option.substr(module.size() + 1));
  return own;
}

// A bare module brings none: one that is named beside it is its neighbour.
const std::vector<std::string>& own_services(const scenario::Driver& driver) {
  static const std::vector<std::string> none;
  return driver.kind == scenario::DriverKind::kmod ? none : driver.services;
}

// The modules are the files, in their order, which is the one in which they are loaded.
std::string install_modules(const scenario::Driver& driver, const Files& files) {
  std::string loader = "#!/bin/sh\n";
  std::vector<std::string> pairs;
  for (std::size_t i = 0; i < driver.modules.size() && i < files.size(); ++i) {
    const std::string& module = driver.modules[i];
    loader += "(\n";
    loader +=
        shell_script({{"module", module_file(module)}}, scripts::load_module_sh, options_of(driver, module));
    loader += ") || exit\n";
    pairs.insert(pairs.end(), {module, payload(files[i])});
  }
  return shell_script({{"folder", module_folder}, {"loader", loader}}, scripts::install_module_sh, pairs);
}

// Whoever tried to load a module heard one word of why it was refused; the kernel's own go behind it.
std::string with_refusal(const std::string& script) { return std::string(scripts::refusal_sh) + script; }

// A script of the author's own; it is given the path of its artifact, and all its files where it has several.
std::string authors(const std::string& command, const Files& files) {
  std::string script = "export LABCTL_DRIVER=";
  script += shell_quote(payload(files.empty() ? std::string() : files.front()));
  if (files.size() > 1) script += " LABCTL_DRIVER_FILES=" + shell_quote(join(payloads(files), " "));
  return script + "; " + command;
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

Question Linux::suspend(int number) const {
  const std::string name = "suspend-" + std::to_string(number);
  return {name, shell_script({{"mark", "/run/labctl/" + name}}, scripts::suspend_sh)};
}

// On the disk, and not in /run: it must be seen in the crash kernel and behind it.
static std::string mark_of_crash(int number) { return "/var/lib/labctl/crash-" + std::to_string(number); }

Question Linux::crash_kernel() const { return {"crash-kernel", std::string(scripts::crash_kernel_sh)}; }

Question Linux::crash(int number, const std::string& text, const std::string& severity) const {
  return {"crash-" + std::to_string(number),
          std::string(scripts::dumps_sh) +
              shell_script({{"mark", mark_of_crash(number)}, {"text", text}, {"severity", severity}},
                           scripts::crash_sh)};
}

Question Linux::crash_dump(int number, const std::string& text) const {
  return {"crash-dump",
          std::string(scripts::dumps_sh) +
              shell_script({{"mark", mark_of_crash(number)}, {"text", text}}, scripts::crash_dump_sh)};
}

Question Linux::set_clock(long long unix_seconds) const {
  return {"set-clock", "date -u -s @" + std::to_string(unix_seconds)};
}

Question Linux::deliver(const std::vector<std::string>& files) const {
  return {"deliver", shell_script({{"folder", payload_folder}}, scripts::deliver_sh, files)};
}

Question Linux::install(const scenario::Guest& guest, const Files& files) const {
  const auto& driver = guest.driver;
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return {"install", with_refusal(shell_script({}, scripts::install_deb_sh, payloads(files)))};
    case scenario::DriverKind::dkms:
      return {"install", with_refusal(shell_script({{"modules", join(driver.modules, " ")}},
                                                   scripts::install_dkms_sh, payloads(files)))};
    case scenario::DriverKind::rpm:
      return {"install", with_refusal(shell_script({}, scripts::install_rpm_sh, payloads(files)))};
    case scenario::DriverKind::kmod:
      return {"install", with_refusal(install_modules(driver, files))};
    case scenario::DriverKind::script:
      return {"install", with_refusal(authors(driver.install, files))};
    default:
      break;
  }
  return {"install", "exit 1"};
}

Question Linux::remove(const scenario::Guest& guest, const Files& files) const {
  const auto& driver = guest.driver;
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return {"remove", shell_script({}, scripts::remove_deb_sh, payloads(files))};
    case scenario::DriverKind::dkms: {
      const auto modules = Files(driver.modules.rbegin(), driver.modules.rend());
      return {"remove", shell_script({{"modules", join(modules, " ")}}, scripts::unload_dkms_sh) +
                            shell_script({}, scripts::remove_deb_sh, payloads(files))};
    }
    case scenario::DriverKind::rpm:
      return {"remove", shell_script({}, scripts::remove_rpm_sh, payloads(files))};
    case scenario::DriverKind::kmod:
      return {"remove", shell_script({{"folder", module_folder}}, scripts::remove_module_sh,
                                     {driver.modules.rbegin(), driver.modules.rend()})};
    case scenario::DriverKind::script:
      return {"remove", authors(driver.remove, files)};
    default:
      break;
  }
  return {"remove", "exit 1"};
}

Question Linux::unload(const scenario::Guest& guest) const {
  const auto& driver = guest.driver;
  const auto modules = Files(driver.modules.rbegin(), driver.modules.rend()),
             services = Files(own_services(driver).rbegin(), own_services(driver).rend());
  return {"unload", shell_script({{"services", join(services, " ")}, {"modules", join(modules, " ")}},
                                 scripts::unload_driver_sh)};
}

Question Linux::load(const scenario::Guest& guest) const {
  const auto& driver = guest.driver;
  const bool bare = driver.kind == scenario::DriverKind::kmod;
  return {"load", shell_script({{"loader", bare ? module_folder + "/load" : ""},
                                {"modules", join(driver.modules, " ")},
                                {"services", join(own_services(driver), " ")}},
                               scripts::load_driver_sh)};
}

// Each has a name of its own, by which its answer is found.
Question Linux::update(const std::string& file) const {
  return {file.substr(0, file.rfind('.')),
          file.ends_with(".rpm")
              ? shell_script({{"package", payload(file)}}, scripts::update_rpm_sh)
              : shell_script({{"package", payload(file)}, {"boot", "/boot"}}, scripts::update_deb_sh)};
}

Question Linux::loaded(const scenario::Guest& guest, const std::string& module, const Files& files) const {
  const auto& driver = guest.driver;
  const bool bare = driver.kind == scenario::DriverKind::kmod && !files.empty();
  std::string script =
      shell_script({{"module", module}, {"file", bare ? module_file(module) : ""}}, scripts::loaded_sh);
  if (files.empty()) return {"loaded", script};  // nothing is delivered yet, or any more
  if (driver.kind == scenario::DriverKind::dkms)
    script += shell_script({{"module", module}}, scripts::built_dkms_sh);
  if (driver.kind == scenario::DriverKind::deb || driver.kind == scenario::DriverKind::dkms)
    script += shell_script({}, scripts::package_deb_sh, payloads(files));
  if (driver.kind == scenario::DriverKind::rpm)
    script += shell_script({}, scripts::package_rpm_sh, payloads(files));
  return {"loaded", script};
}

Question Linux::service(const std::string& unit) const {
  return {"service", shell_script({{"unit", unit}}, scripts::service_sh)};
}

Question Linux::begin_load(int number, const std::string& command) const {
  const std::string name = std::to_string(number);
  return {"begin-load-" + name, shell_script({{"unit", "labctl-background-" + name}, {"command", command}},
                                             scripts::begin_load_sh)};
}

Question Linux::load_state(int number) const {
  const std::string name = std::to_string(number);
  return {"load-state-" + name,
          shell_script({{"unit", "labctl-background-" + name}}, scripts::load_state_sh)};
}

Question Linux::bpf(const scenario::Guest& guest, const Files& files) const {
  std::string script = shell_script({}, scripts::bpf_sh, guest.driver.bpf);
  if (files.empty()) return {"bpf", script};  // nothing is delivered yet, or any more
  if (guest.driver.kind == scenario::DriverKind::deb)
    script += shell_script({}, scripts::package_deb_sh, payloads(files));
  if (guest.driver.kind == scenario::DriverKind::rpm)
    script += shell_script({}, scripts::package_rpm_sh, payloads(files));
  return {"bpf", script};
}

// In a shell of its own, so that an author's command that comes behind it sees nothing of it.
Question Linux::place(const scenario::Content& content, const std::string& file) const {
  if (content.is_folder())
    return {"place",
            "(\n" +
                shell_script({{"manifest", payload(file)}, {"tar", tar_of(file)}, {"path", content.path}},
                             scripts::place_folder_sh) +
                ") || exit " + std::to_string(not_copied)};
  return {"place", "(\n" +
                       shell_script({{"file", payload(file)}, {"path", content.path}}, scripts::place_sh) +
                       ") || exit " + std::to_string(not_copied)};
}

Question Linux::apply(const scenario::Content& content, const std::string& file) const {
  std::string script = place(content, file).command;
  if (!content.apply.empty()) script += "\n" + content.apply;
  return {"apply", script};
}

Question Linux::content_digest(const scenario::Content& content, const std::string& file) const {
  if (content.is_folder())
    return {"content-digest",
            shell_script({{"path", content.path}, {"manifest", payload(file)}}, scripts::folder_digest_sh)};
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
