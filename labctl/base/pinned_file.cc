#include "labctl/base/pinned_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "labctl/base/digest.h"

namespace labctl {
namespace {

bool same_state(const struct stat& a, const struct stat& b) {
  const auto same_time = [](const timespec& x, const timespec& y) {
    return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec;
  };
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mode == b.st_mode &&
         same_time(a.st_mtim, b.st_mtim) && same_time(a.st_ctim, b.st_ctim);
}

}  // namespace

Result<PinnedFile> PinnedFile::open(const fs::path& path) {
  PinnedFile file;
  file.path_ = path;
  file.fd_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (!file.fd_ && errno == ELOOP)
    return input_error("is a symbolic link", path.string(),
                       "give the file itself: a link can be turned elsewhere afterwards");
  if (!file.fd_) return input_error(fmt::format("cannot open: {}", std::strerror(errno)), path.string());
  if (::fstat(file.fd_.get(), &file.opened_) != 0 || !S_ISREG(file.opened_.st_mode))
    return input_error("is not a regular file", path.string());
  return file;
}

Result<std::string> PinnedFile::read(std::uint64_t limit) const { return read_rest(fd_.get(), path_, limit); }

Result<std::string> PinnedFile::sha256() {
  if (::lseek(fd_.get(), 0, SEEK_SET) != 0) return lab_error("cannot be read again", path_.string());
  auto digest = sha256_rest(fd_.get(), path_);
  if (!digest) return digest;
  if (auto same = unchanged(); !same) return fail(same.error());
  return digest;
}

Status PinnedFile::unchanged() const {
  struct stat now {};
  if (::fstat(fd_.get(), &now) != 0 || !same_state(opened_, now))
    return input_error("was changed while it was looked at", path_.string());
  if (::lstat(path_.c_str(), &now) != 0 || !same_state(opened_, now))
    return input_error("was replaced while it was looked at", path_.string());
  return {};
}

}  // namespace labctl
