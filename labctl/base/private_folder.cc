#include "labctl/base/private_folder.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "labctl/base/text.h"

namespace labctl {
namespace {

bool is_own(uid_t owner) {
  if (owner == ::geteuid()) return true;
  const char* caller = std::getenv("SUDO_UID");
  return ::geteuid() == 0 && caller && std::to_string(owner) == caller;
}

// 'folder/' would look through a link.
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

bool is_own_group(gid_t group) { return group == 0 || (group == ::getegid() && group == ::geteuid()); }

// The folders above, where they really are; what is not there yet will be labctl's.
Status check_parents(const fs::path& path, const std::string& choose) {
  std::error_code problem;
  const fs::path real = fs::weakly_canonical(fs::absolute(path, problem).parent_path(), problem);
  if (problem) return lab_error(problem.message(), path.string());
  for (fs::path above = real;; above = above.parent_path()) {
    struct stat seen {};
    if (::stat(above.c_str(), &seen) == 0 && (seen.st_mode & S_ISVTX) == 0) {
      const bool others = (seen.st_mode & S_IWOTH) != 0;
      const bool group = (seen.st_mode & S_IWGRP) != 0 && !is_own_group(seen.st_gid);
      if (others || group)
        return lab_error(fmt::format("lies below '{}', which other users can write to, so they could put "
                                     "another folder in its place",
                                     above.string()),
                         path.string(),
                         fmt::format("chmod {} {}, or {}FOLDER, with one of your own", others ? "o-w" : "g-w",
                                     shell_quote(above.string()), choose));
    }
    if (above == above.parent_path()) return {};
  }
}

}  // namespace

Status check_private(const fs::path& given, const std::string& variable) {
  const fs::path path = without_slash(given);
  const std::string choose = fmt::format("export {}=", variable);
  if (auto parents = check_parents(path, choose); !parents) return parents;
  struct stat seen {};
  if (::lstat(path.c_str(), &seen) != 0)
    return errno == ENOENT ? Status() : lab_error(std::strerror(errno), path.string());
  std::error_code problem;
  if (S_ISLNK(seen.st_mode))
    return lab_error("is a symbolic link, and a folder that labctl trusts is none", path.string(),
                     choose + shell_quote(fs::weakly_canonical(path, problem).string()));
  if (!S_ISDIR(seen.st_mode)) return lab_error("is not a directory", path.string(), choose + "FOLDER");
  if (!is_own(seen.st_uid))
    return lab_error("belongs to another user", path.string(),
                     fmt::format("{}FOLDER, with one of your own", choose));
  if ((seen.st_mode & 0022) != 0 && !fs::is_empty(path, problem))
    return lab_error(
        "can be written by other users, so anything in it may be theirs", path.string(),
        fmt::format("chmod 700 {}, when all that is in it is yours", shell_quote(path.string())));
  return {};
}

Status make_private(const fs::path& given, const std::string& variable) {
  const fs::path path = without_slash(given);
  if (path.has_parent_path())
    if (auto parents = make_dirs(path.parent_path()); !parents) return parents;
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return lab_error(fmt::format("cannot create the directory: {}", std::strerror(errno)), path.string());
  if (auto good = check_private(path, variable); !good) return good;
  struct stat seen {};
  if (::stat(path.c_str(), &seen) != 0) return lab_error(std::strerror(errno), path.string());
  if ((seen.st_mode & 0777) != 0700 && ::chmod(path.c_str(), 0700) != 0)
    return lab_error(fmt::format("cannot be closed to other users: {}", std::strerror(errno)), path.string());
  return {};
}

}  // namespace labctl
