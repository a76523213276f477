// The private root of the embedded hypervisor: a directory that holds its configuration, sockets, logs and
// run files, owned by one process. `<base>/<id>` is the root and `<base>/<id>.lock` is locked as long as the
// owner lives, so that anybody can tell a living root from an orphan.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "labctl/base/files.h"

namespace labctl::machine {

// Room for "<root>/lib/qemu/domain-12345-<20 characters>/monitor.sock" in the 107 bytes of a Unix socket's
// path.
inline constexpr std::size_t longest_root = 54;

// What libvirt is configured with: no other daemon, no privileges, nothing outside the root. `as_root`: QEMU
// keeps our user.
std::string qemu_conf(bool as_root);

class Root {
 public:
  // `cache` is shared between roots; probing QEMU's capabilities costs 2 to 4 s without it.
  static Result<Root> make(const fs::path& base, const fs::path& cache);

  // Ends what still runs in it and removes it.
  ~Root();
  Root(Root&&) = default;
  Root& operator=(Root&&) = delete;

  const fs::path& path() const { return path_; }

 private:
  Root(fs::path path, Lock lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  fs::path path_;
  Lock lock_;
};

fs::path lock_of(const fs::path& root);

// QEMU processes whose command line names a file below `root`; nothing else ever matches.
std::vector<int> qemus_in(const fs::path& root, const fs::path& proc = "/proc");

// Kills them and waits for their end. A process id that was reused meanwhile is not touched.
Status end_qemus_in(const fs::path& root);

}  // namespace labctl::machine
