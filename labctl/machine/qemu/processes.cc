#include "labctl/machine/qemu/processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::machine {

std::string kernel_file(const std::filesystem::path& path, std::size_t limit) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char block[4096];
  while (file && text.size() < limit) {
    const ssize_t got = read(file.get(), block, std::min(sizeof block, limit - text.size()));
    if (got <= 0) break;
    text.append(block, static_cast<std::size_t>(got));
  }
  return text;
}

bool is_stopped(const std::filesystem::path& process) {
  // "17 (the name, which may hold anything) T ..."
  const std::string stat = kernel_file(process / "stat");
  const std::size_t name_ends = stat.rfind(") ");
  if (name_ends == std::string::npos || name_ends + 2 >= stat.size()) return false;
  const char state = stat[name_ends + 2];
  return state == 'T' || state == 't';
}

bool proc_is_ours() { return kernel_file("/proc/self/stat").starts_with(std::to_string(getpid()) + " "); }

std::vector<std::string> arguments_of(const std::filesystem::path& process) {
  const std::string text = kernel_file(process / "cmdline", 1u << 20);
  if (text.empty()) return {};
  return split(text, '\0');
}

bool is_qemu_with(const std::string& part, const std::filesystem::path& process) {
  const std::vector<std::string> argv = arguments_of(process);
  if (argv.empty() || part.empty()) return false;
  if (!std::filesystem::path(argv.front()).filename().string().starts_with("qemu-system-")) return false;
  return std::any_of(argv.begin(), argv.end(),
                     [&](const std::string& argument) { return argument.find(part) != std::string::npos; });
}

std::vector<int> qemus_with(const std::string& part, const std::filesystem::path& proc) {
  std::vector<int> found;
  std::error_code wrong;
  for (std::filesystem::directory_iterator entry(proc, wrong), end; !wrong && entry != end;
       entry.increment(wrong)) {
    const std::string name = entry->path().filename().string();
    int pid = 0;
    const auto [last, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || last != name.data() + name.size()) continue;
    if (is_qemu_with(part, entry->path())) found.push_back(pid);
  }
  return found;
}

}  // namespace labctl::machine
