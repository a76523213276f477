#include "labctl/bundle/console.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::bundle {
namespace {

constexpr std::uint64_t most_before = 64 << 10, most_after = 256 << 10;

struct Opened {
  Fd fd;
  std::uint64_t size = 0;
};

// Without waiting for a writer, should it be a pipe, and without following a link out of the bundle.
Result<Opened> open_plain(const fs::path& file) {
  Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    return input_error(fmt::format("cannot be read: {}", std::generic_category().message(errno)),
                       file.string());
  if (!S_ISREG(info.st_mode)) return input_error("is not a plain file", file.string());
  return Opened{std::move(fd), static_cast<std::uint64_t>(info.st_size)};
}

Result<std::string> read_between(const Opened& opened, std::uint64_t from, std::uint64_t to,
                                 const fs::path& file) {
  std::string bytes(to - from, '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const auto got =
        ::pread(opened.fd.get(), bytes.data() + have, bytes.size() - have, static_cast<off_t>(from + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return input_error(fmt::format("cannot be read: {}", std::generic_category().message(errno)),
                         file.string());
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::vector<std::string> lines_of(std::string_view bytes) {
  if (bytes.ends_with('\n')) bytes.remove_suffix(1);
  auto lines = split(bytes, '\n');
  for (auto& line : lines) {
    while (line.ends_with('\r')) line.pop_back();
    if (line.size() > longest_line) line.resize(longest_line);
  }
  return lines;
}

}  // namespace

Result<ConsolePart> read_console_at(const fs::path& file, std::uint64_t offset, std::uint64_t line,
                                    std::size_t lines) {
  auto opened = open_plain(file);
  if (!opened) return fail(opened.error());
  if (offset >= opened->size)
    return input_error(fmt::format("ends before byte {}, where the finding was", offset), file.string());
  const std::uint64_t from = offset - std::min(offset, most_before);
  auto before = read_between(*opened, from, offset, file);
  if (!before) return fail(before.error());
  auto after = read_between(*opened, offset, std::min(opened->size, offset + most_after), file);
  if (!after) return fail(after.error());
  ConsolePart part;
  if (!before->empty()) part.lines = lines_of(*before);
  if (from != 0 && !part.lines.empty()) part.lines.erase(part.lines.begin());  // its beginning was not read
  if (part.lines.size() > lines)
    part.lines.erase(part.lines.begin(), part.lines.end() - static_cast<std::ptrdiff_t>(lines));
  part.first_line = line > part.lines.size() ? line - part.lines.size() : 0;
  auto rest = lines_of(*after);
  rest.resize(std::min(rest.size(), lines + 1));
  part.lines.insert(part.lines.end(), rest.begin(), rest.end());
  return part;
}

Result<ConsolePart> read_console_end(const fs::path& file, std::size_t lines) {
  auto opened = open_plain(file);
  if (!opened) return fail(opened.error());
  const std::uint64_t from = opened->size - std::min(opened->size, most_after);
  auto bytes = read_between(*opened, from, opened->size, file);
  if (!bytes) return fail(bytes.error());
  ConsolePart part;
  if (bytes->empty()) return part;
  part.lines = lines_of(*bytes);
  if (part.lines.size() > lines)
    part.lines.erase(part.lines.begin(), part.lines.end() - static_cast<std::ptrdiff_t>(lines));
  else if (from == 0)
    part.first_line = 1;
  return part;
}

}  // namespace labctl::bundle
