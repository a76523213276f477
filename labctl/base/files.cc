#include "labctl/base/files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>
#include <thread>

namespace labctl {
namespace {

tl::unexpected<Error> os_error(const std::string& what, const fs::path& path) {
  return lab_error(what + ": " + std::strerror(errno), path.string());
}

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return os_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status sync_directory(const fs::path& path) {
  Fd fd(::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return os_error("cannot sync the directory", path);
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() {
  int fd = fd_;
  fd_ = -1;
  return fd;
}

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return os_error("cannot open", path);
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return os_error("cannot read", path);
  if (!S_ISREG(facts.st_mode)) return lab_error("is not a regular file", path.string());
  return read_rest(fd.get(), path, limit);
}

Result<std::string> read_rest(int fd, const fs::path& path, std::uint64_t limit) {
  std::string content;
  char block[1 << 16];
  for (;;) {
    ssize_t got = ::read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os_error("cannot read", path);
    if (got == 0) return content;
    content.append(block, static_cast<std::size_t>(got));
    if (content.size() > limit)
      return lab_error(fmt::format("is larger than {} bytes", limit), path.string());
  }
}

Status create_file(const fs::path& path, std::string_view content, unsigned mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd && errno == EEXIST) return input_error("already exists", path.string());
  if (!fd) return os_error("cannot create", path);
  Status written = write_all(fd.get(), content, path);
  if (written && ::fsync(fd.get()) != 0) written = os_error("cannot sync", path);
  if (!written) ::unlink(path.c_str());
  return written;
}

Status write_file(const fs::path& path, std::string_view content) {
  fs::path beside = path;
  beside += ".new." + std::to_string(::getpid());
  {
    Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd) return os_error("cannot create", beside);
    Status written = write_all(fd.get(), content, beside);
    if (written && ::fsync(fd.get()) != 0) written = os_error("cannot sync", beside);
    if (!written) {
      ::unlink(beside.c_str());
      return written;
    }
  }
  Status renamed = rename_synced(beside, path);
  if (!renamed) ::unlink(beside.c_str());
  return renamed;
}

Status make_dirs(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem)
    return lab_error(fmt::format("cannot create the directory: {}", problem.message()), path.string());
  return {};
}

namespace {

// Where `path` really is: its folder without links, its own name as it stands.
bool lies_below(const fs::path& root, const fs::path& path) {
  const fs::path name = path.filename();
  if (name.empty() || name == "." || name == "..") return false;
  std::error_code problem;
  const fs::path top = fs::weakly_canonical(fs::absolute(root, problem), problem);
  if (problem) return false;
  const fs::path folder = fs::weakly_canonical(fs::absolute(path, problem).parent_path(), problem);
  if (problem) return false;
  return std::mismatch(top.begin(), top.end(), folder.begin(), folder.end()).first == top.end();
}

}  // namespace

Status remove_below(const fs::path& root, const fs::path& path) {
  if (!lies_below(root, path))
    return lab_error(fmt::format("is not removed: it does not lie below {}", root.string()), path.string());
  std::error_code problem;
  // Somebody else who removes it at the same time is no failure: two runs clean up behind a third.
  do fs::remove_all(path, problem);
  while (problem == std::errc::no_such_file_or_directory);
  if (problem) return lab_error(fmt::format("cannot remove: {}", problem.message()), path.string());
  return {};
}

Status rename_synced(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return os_error(fmt::format("cannot rename to {}", to.string()), from);
  return sync_directory(to.parent_path());
}

Result<Appender> Appender::open(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) return os_error("cannot create", path);
  return Appender(std::move(fd), path);
}

Status Appender::write(std::string_view bytes) { return write_all(fd_.get(), bytes, path_); }

Status Appender::sync() {
  if (::fsync(fd_.get()) != 0) return os_error("cannot sync", path_);
  return {};
}

namespace {

Result<Fd> open_lock(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return os_error("cannot create the lock", path);
  return fd;
}

// Whose lock it is: nobody's where its file is new, or could not be written.
std::optional<pid_t> holder_of(int fd) {
  char digits[16] = {};
  const ssize_t got = ::pread(fd, digits, sizeof digits - 1, 0);
  pid_t holder = 0;
  if (got <= 0 || std::from_chars(digits, digits + got, holder).ec != std::errc() || holder <= 0) return {};
  return holder;
}

bool is_dead(pid_t process) { return ::kill(process, 0) != 0 && errno == ESRCH; }

void name_holder(int fd) {
  const std::string pid = std::to_string(::getpid());
  // A disk that is full must not keep anybody from a lock: it has no name then.
  if (::ftruncate(fd, 0) == 0 && ::pwrite(fd, pid.data(), pid.size(), 0) < 0)
    static_cast<void>(::ftruncate(fd, 0) == 0);
}

}  // namespace

Result<Lock> Lock::try_take(const fs::path& path) {
  auto fd = open_lock(path);
  if (!fd) return fail(fd.error());
  // Who was killed while it started a program has left a child that is not yet that program and holds what
  // its parent held. It is gone in a moment, and nobody else's.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
    const auto holder = holder_of(fd->get());
    if (!holder || !is_dead(*holder) || std::chrono::steady_clock::now() >= patience)
      return lab_error(
          holder ? fmt::format("process {} holds the lock", *holder) : "another process holds the lock",
          path.string());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  name_holder(fd->get());
  return Lock(std::move(*fd));
}

Result<Lock> Lock::wait(const fs::path& path) {
  auto fd = open_lock(path);
  if (!fd) return fail(fd.error());
  while (::flock(fd->get(), LOCK_EX) != 0)
    if (errno != EINTR) return os_error("cannot take the lock", path);
  name_holder(fd->get());
  return Lock(std::move(*fd));
}

Result<std::uint64_t> free_space(const fs::path& path) {
  std::error_code ignored;
  fs::path existing = fs::absolute(path, ignored);
  while (!existing.empty() && existing != existing.root_path() && !fs::exists(existing, ignored))
    existing = existing.parent_path();
  struct statvfs facts {};
  if (::statvfs(existing.c_str(), &facts) != 0) return os_error("cannot read the free space", existing);
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

}  // namespace labctl
