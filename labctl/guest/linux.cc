#include "labctl/guest/linux.h"

#include "labctl/base/text.h"

namespace labctl::guest {

namespace {

// Not in /tmp or /run: a driver that installs itself at the next boot must still find its package.
const std::string payload_folder = "/var/lib/labctl/payload";

std::string payload(const std::string& file) { return shell_quote(payload_folder + "/" + file); }

// Where a loaded module keeps its build id: the note's last bytes. Hex, empty when the module has none.
const std::string build_id_of_loaded =
    "od -An -v -tx1 /sys/module/$m/notes/.note.gnu.build-id 2>/dev/null | tr -d ' \\n' | tail -c 40";

// Looks for the bytes of $id in $f. grep reads a module at once where od needs seconds, but cannot see a
// newline.
const std::string build_id_in_file =
    "case $id in *0a*) od -An -v -tx1 \"$f\" | tr -d ' \\n' | grep -q $id;; "
    "*) LC_ALL=C grep -qaP \"$(printf %s $id | sed 's/../\\\\x&/g')\" \"$f\";; esac";

// A bare module is loaded by its path, not through depmod: indexing a distribution's four thousand modules
// takes an emulated guest a minute. What it depends on is loaded first, at once and at every boot, early, as
// its own package's unit would do it.
const std::string module_folder = "/usr/lib/labctl-candidate";
const std::string module_unit = "/etc/systemd/system/labctl-candidate.service";
const std::string module_wanted = "/etc/systemd/system/sysinit.target.wants/labctl-candidate.service";

std::string install_module(const scenario::Driver& driver, const std::string& file) {
  const std::string module = module_folder + "/" + driver.module + ".ko", load = module_folder + "/load";
  std::string options;
  for (const auto& option : driver.options) options += " " + shell_quote(option);
  const std::string loader = "#!/bin/sh\nfor d in $(modinfo -F depends " + module +
                             " | tr , ' '); do modprobe $d || exit 1; done\nexec insmod " + module + options +
                             "\n";
  const std::string unit =
      "[Unit]\nDescription=the candidate driver\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\n"
      "Before=sysinit.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec="
      "infinity\nExecStart=" +
      load + "\n";
  return "set -e; mkdir -p " + module_folder + " /etc/systemd/system/sysinit.target.wants; cp " + file + " " +
         module + "; printf %s " + shell_quote(loader) + " >" + load + "; chmod 755 " + load +
         "; printf %s " + shell_quote(unit) + " >" + module_unit + "; ln -sf " + module_unit + " " +
         module_wanted + "; sync; " + load;
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
    case Crash::hang:  // suspended to idle with nothing that could wake it, the guest is deaf and dumb
      return {"stage-hang", "echo freeze >/sys/power/state"};
    case Crash::reset:
      return {"stage-reset", "echo triple >/sys/kernel/reboot/type; echo b >/proc/sysrq-trigger"};
  }
  return {};
}

Question Linux::identify() const {
  return {"identify", "echo boot_id=$(cat /proc/sys/kernel/random/boot_id)"};
}

// The agent answers before the last service has started; what is to be proved may be among them. A guest
// without systemd has no such moment and says "unknown".
Question Linux::booted() const {
  return {"booted",
          "if command -v systemctl >/dev/null; then echo system=$(systemctl is-system-running --wait); "
          "else echo system=unknown; fi"};
}

Question Linux::evidence() const {
  return {"evidence",
          "echo taint=$(cat /proc/sys/kernel/tainted); echo boot_id=$(cat /proc/sys/kernel/random/boot_id); "
          "echo kernel=$(uname -r)"};
}

// Raw, because the ways to print it for people differ: newer util-linux puts the caller in a column of its
// own.
Question Linux::kernel_log() const { return {"kernel-log", "dmesg -r 2>/dev/null || dmesg"}; }

Question Linux::reboot() const { return {"reboot", "shutdown -r now"}; }

Question Linux::power_off() const { return {"power-off", "shutdown -P now"}; }

Question Linux::set_clock(long long unix_seconds) const {
  return {"set-clock", "date -u -s @" + std::to_string(unix_seconds)};
}

Question Linux::deliver(const std::vector<std::string>& files) const {
  // The drive needs a moment to notice its medium, more of it when the host is busy.
  std::string script =
      "set -e; n=0; mkdir -p /run/labctl-cd " + payload_folder +
      "; until mount -o ro -t iso9660 /dev/sr0 /run/labctl-cd 2>/run/labctl-cd.error; do n=$((n+1)); "
      "[ $n -lt 100 ] || { cat /run/labctl-cd.error; exit 1; }; sleep 0.2; done; "
      "cp /run/labctl-cd/* " +
      payload_folder + "/; umount /run/labctl-cd; cd " + payload_folder + "; ";
  for (const auto& file : files)
    script += "echo " + shell_quote(file) + "=$(sha256sum <" + shell_quote(file) + " | cut -c1-64); ";
  return {"deliver", script + "sync"};
}

Question Linux::install(const scenario::Guest& guest, const std::string& file_name) const {
  const auto& driver = guest.driver;
  const std::string file = payload(file_name);
  switch (driver.kind) {
    case scenario::DriverKind::deb:
      return {"install", "DEBIAN_FRONTEND=noninteractive dpkg -i --force-confnew " + file + " </dev/null"};
    case scenario::DriverKind::rpm:
      return {"install", "rpm -U --replacepkgs --oldpackage " + file + " </dev/null"};
    case scenario::DriverKind::kmod:
      return {"install", install_module(driver, file)};
    case scenario::DriverKind::script:
      return {"install", "export LABCTL_DRIVER=" + file + "; " + driver.install};
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
      return {"remove", "dpkg --purge $(dpkg-deb -f " + file + " Package) </dev/null"};
    case scenario::DriverKind::rpm:
      return {"remove", "rpm -e $(rpm -qp --qf '%{NAME}' " + file + ") </dev/null"};
    case scenario::DriverKind::kmod:
      return {"remove", "set -e; rmmod " + driver.module + "; rm -rf " + module_folder + " " + module_unit +
                            " " + module_wanted};
    case scenario::DriverKind::script:
      return {"remove", "export LABCTL_DRIVER=" + file + "; " + driver.remove};
    default:
      break;
  }
  return {"remove", "exit 1"};
}

// The digests are of standard input, because sha256sum puts a backslash before that of a file with a strange
// name; and what the module says of itself goes through printf, because echo would let it write lines of its
// own.
Question Linux::loaded(const scenario::Guest& guest, const std::string& file) const {
  const auto& driver = guest.driver;
  // `fresh` compares the build id of the module in memory with the file it should have come from: a package
  // may have replaced the file while the old code goes on running. A compressed module cannot be compared and
  // says "unknown".
  std::string script = "m=" + driver.module +
                       "; cd /sys/module/$m 2>/dev/null || { echo state=absent; exit 0; }; "
                       "echo state=$(cat initstate 2>/dev/null || echo builtin); "
                       "printf 'version=%s\\n' \"$(head -n 1 version 2>/dev/null)\"; "
                       "id=$(" +
                       build_id_of_loaded +
                       "); echo build_id=$id; "
                       "f=" +
                       (driver.kind == scenario::DriverKind::kmod ? module_folder + "/$m.ko"
                                                                  : "$(modinfo -n $m 2>/dev/null)") +
                       "; printf 'file=%s\\n' \"$f\"; "
                       "echo file_sha256=$(sha256sum 2>/dev/null <\"$f\" | cut -c1-64); "
                       "case \"$id,$f\" in ,*|*,|*.xz|*.gz|*.zst) echo fresh=unknown;; *) "
                       "if " +
                       build_id_in_file + "; then echo fresh=yes; else echo fresh=no; fi;; esac; ";
  if (driver.kind == scenario::DriverKind::deb)
    script += "p=" + payload(file) +
              "; n=$(dpkg-deb -f $p Package); v=$(dpkg-deb -f $p Version); "
              "i=$(dpkg-query -W -f='${Status} ${Version}' $n 2>&1); "
              "if [ \"$i\" = \"install ok installed $v\" ]; then echo package=right; else echo \"package=$i, "
              "not $v\"; fi";
  return {"loaded", script};
}

Question Linux::place(const scenario::Content& content, const std::string& file) const {
  const std::string path = shell_quote(content.path);
  return {"place", "{ mkdir -p \"$(dirname " + path + ")\" && cp " + payload(file) + " " + path +
                       " && sync " + path + "; } || exit " + std::to_string(not_copied)};
}

Question Linux::apply(const scenario::Content& content, const std::string& file) const {
  std::string script = place(content, file).command;
  if (!content.apply.empty()) script += "\n" + content.apply;
  return {"apply", script};
}

Question Linux::content_digest(const scenario::Content& content) const {
  return {"content-digest",
          "echo content_sha256=$(sha256sum <" + shell_quote(content.path) + " | cut -c1-64)"};
}

std::string sick_taints(std::uint64_t before, std::uint64_t now) {
  static constexpr struct {
    int bit;
    char letter;
  } sick[] = {{4, 'M'}, {5, 'B'}, {7, 'D'}, {9, 'W'}, {14, 'L'}};
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
