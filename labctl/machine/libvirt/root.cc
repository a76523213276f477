#include "labctl/machine/libvirt/root.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "labctl/base/private_folder.h"
#include "labctl/machine/qemu/processes.h"

namespace labctl::machine {
namespace {

std::string random_name() {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  unsigned char bytes[6];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) abort();  // cannot happen for so few
  std::string name;
  for (unsigned char byte : bytes) name += letters[byte % letters.size()];
  return name;
}

std::string errno_text() { return strerror(errno); }

// A wrong root would match too much: it must be absolute and deeper than a directory of the system.
bool plausible(const fs::path& root) {
  return root.is_absolute() && root.has_filename() && std::distance(root.begin(), root.end()) >= 3;
}

Status end_process(const fs::path& root, int pid) {
  if (!proc_is_ours()) return lab_error("cannot end QEMU: /proc belongs to another pid namespace", root);
  // The descriptor pins the process: looked at after it is opened, it cannot become somebody else.
  const Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process)
    return errno == ESRCH ? Status() : lab_error(fmt::format("cannot watch QEMU: {}", errno_text()));
  if (!is_qemu_with(root.string() + "/", fs::path("/proc") / std::to_string(pid))) return {};
  if (syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) != 0 && errno != ESRCH) {
    return lab_error(fmt::format("cannot end QEMU, process {}: {}", pid, errno_text()));
  }
  pollfd ended{process.get(), POLLIN, 0};
  if (poll(&ended, 1, 5000) != 1) return lab_error(fmt::format("QEMU, process {}, does not end", pid));
  return {};
}

}  // namespace

std::string qemu_conf(bool as_root) {
  std::string text =
      "stdio_handler = \"file\"\n"  // the default wants the virtlogd daemon
      "security_driver = \"none\"\n"
      "namespaces = []\n"  // no mount namespace: it needs privileges
      "cgroup_controllers = []\n"
      "seccomp_sandbox = 1\n"  // refuse a QEMU that cannot be confined, instead of going without
      "remember_owner = 0\n"   // no extended attributes on disks
      "dynamic_ownership = 0\n"
      "max_core = 0\n";  // a crashing QEMU must not dump a guest's memory over the disk
  // Without this QEMU becomes libvirt-qemu, who cannot open our files; and when it can open /dev/kvm less
  // than the caller, libvirt calls its own cache stale and probes QEMU again at every start.
  // The same holds for swtpm, which is tss otherwise and cannot reach its state below us.
  if (as_root) text += "user = \"root\"\ngroup = \"root\"\nswtpm_user = \"root\"\nswtpm_group = \"root\"\n";
  return text;
}

fs::path lock_of(const fs::path& root) { return root.string() + ".lock"; }

Result<Root> Root::make(const fs::path& base, const fs::path& cache) {
  if (Status made = make_private(base, "LABCTL_RUNTIME"); !made)
    return because(made.error(), "cannot make the hypervisor's root");
  // realpath: QEMU's command line holds the path we hand out, and orphans are found by it.
  std::error_code wrong;
  const fs::path home = fs::canonical(base, wrong);
  if (wrong) return lab_error(wrong.message(), base);

  for (int attempt = 0; attempt < 100; ++attempt) {
    // The lock comes first: a root without a held lock is an orphan.
    const fs::path path = home / random_name();
    if (path.string().size() > longest_root) {
      return lab_error(
          fmt::format("the path of the hypervisor's root is too long for its sockets ({} bytes, at most {})",
                      path.string().size(), longest_root),
          path, "choose a shorter runtime directory, such as /tmp/labctl-1000");
    }
    Result<Lock> lock = Lock::try_take(lock_of(path));
    if (!lock) continue;
    if (mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      return lab_error(fmt::format("cannot make the hypervisor's root: {}", errno_text()), path);
    }
    Root root(path, std::move(*lock));
    for (const fs::path& part : {path / "etc", path / "cache", path / "s", cache / "libvirt-qemu"}) {
      if (Status made = make_dirs(part); !made)
        return because(made.error(), "cannot make the hypervisor's root");
    }
    const fs::path shared = fs::canonical(cache / "libvirt-qemu", wrong);
    if (!wrong) fs::create_directory_symlink(shared, path / "cache" / "qemu", wrong);
    if (wrong)
      return lab_error(fmt::format("cannot share the capabilities cache: {}", wrong.message()), path);
    if (Status written = write_file(path / "etc" / "qemu.conf", qemu_conf(geteuid() == 0)); !written) {
      return because(written.error(), "cannot configure the hypervisor");
    }
    return root;
  }
  return lab_error("cannot find a free name for the hypervisor's root", home);
}

Root::~Root() {
  if (path_.empty()) return;         // moved from
  if (!end_qemus_in(path_)) return;  // kept, for gc
  if (!remove_below(path_.parent_path(), path_)) return;
  unlink(lock_of(path_).c_str());
}

std::vector<int> qemus_in(const fs::path& root, const fs::path& proc) {
  if (!plausible(root)) return {};
  return qemus_with(root.string() + "/", proc);
}

Status end_qemus_in(const fs::path& root) {
  Status all;
  for (int pid : qemus_in(root)) {
    if (Status ended = end_process(root, pid); !ended) all = std::move(ended);
  }
  return all;
}

}  // namespace labctl::machine
