// The only door to the file system for text and small files. Nothing half-written is ever left under a final
// name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "labctl/base/result.h"

namespace labctl {

namespace fs = std::filesystem;

// An owned descriptor, always CLOEXEC.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// The whole file; refuses more than `limit` bytes, directories and devices.
Result<std::string> read_file(const fs::path& path, std::uint64_t limit = 64u << 20);

// The same for what is left to read of an open file; `path` is how errors call it.
Result<std::string> read_rest(int fd, const fs::path& path, std::uint64_t limit);

// A new file with these permissions; one that is there already is an error (input) and stays as it is.
Status create_file(const fs::path& path, std::string_view content, unsigned mode);

// Writes beside, syncs, renames: after a crash the old or the new file is there, never a mixture.
Status write_file(const fs::path& path, std::string_view content);

Status make_dirs(const fs::path& path);

// Removes what is at `path`, with everything in it; nothing is there: fine. Refuses (lab) whatever does not
// lie below `root` once links and '..' are resolved, and `root` itself: a path that was put together from
// somebody's names cannot lead elsewhere. A link is removed, not followed.
Status remove_below(const fs::path& root, const fs::path& path);

Status rename_synced(const fs::path& from, const fs::path& to);

// Appends whole records and fails at once when the disk refuses. Not thread-safe.
class Appender {
 public:
  static Result<Appender> open(const fs::path& path);
  Status write(std::string_view bytes);
  Status sync();

 private:
  explicit Appender(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  fs::path path_;
};

// An exclusive flock, held until destroyed; gone with the process however it dies. Its file names the
// holder's process.
class Lock {
 public:
  // Errors: somebody else holds it (the text says who, when known), or it cannot be created. Waits for
  // seconds at most, and only where the holder is dead: a child of it between fork and exec keeps the flock
  // for a moment.
  static Result<Lock> try_take(const fs::path& path);
  static Result<Lock> wait(const fs::path& path);

 private:
  explicit Lock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

// Free bytes for this user on the file system that holds `path` (or its nearest existing parent).
Result<std::uint64_t> free_space(const fs::path& path);

}  // namespace labctl
