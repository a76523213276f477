#include "labctl/host/limits.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::host {
namespace {

constexpr std::int64_t no_limit = 1ll << 60;  // version 1 writes the largest number of pages

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto word = trim(text);
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> number_in(const fs::path& file) {
  const auto text = read_file(file, 1u << 16);
  return text ? number(*text) : std::nullopt;
}

// A line "KEY 123" of memory.stat and its like.
std::int64_t stat_of(const fs::path& file, const std::string& key) {
  const auto text = read_file(file, 1u << 20);
  for (const auto& line : split(text ? *text : std::string(), '\n'))
    if (line.starts_with(key + " ")) return number(std::string_view(line).substr(key.size())).value_or(0);
  return 0;
}

// The group's folder and those above it, up to where the hierarchy is mounted. In a container the path may be
// the host's, which is not there: its own group is then what is mounted.
std::vector<fs::path> groups_of(const fs::path& mounted, const std::string& path) {
  std::vector<fs::path> groups;
  std::error_code ignored;
  for (fs::path below = fs::path(path).relative_path(); !below.empty(); below = below.parent_path())
    if (fs::is_directory(mounted / below, ignored)) groups.push_back(mounted / below);
  groups.push_back(mounted);
  return groups;
}

void add_processors(Limits& limits, std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return;
  const double share = static_cast<double>(*quota) / static_cast<double>(*period);
  limits.processors = std::min(limits.processors.value_or(share), share);
}

void add_memory(Limits& limits, std::optional<std::int64_t> limit, std::optional<std::int64_t> used,
                std::int64_t droppable) {
  if (!limit || !used || *limit >= no_limit) return;
  const std::int64_t held = std::max<std::int64_t>(0, *used - droppable);
  const auto free = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *limit - held));
  limits.memory_free = std::min(limits.memory_free.value_or(free), free);
}

void add_version_2(Limits& limits, const fs::path& group) {
  if (const auto text = read_file(group / "cpu.max", 1u << 12)) {  // "max 100000", "150000 100000"
    const auto words = split(trim(*text), ' ');
    if (words.size() == 2) add_processors(limits, number(words[0]), number(words[1]));
  }
  add_memory(limits, number_in(group / "memory.max"), number_in(group / "memory.current"),
             stat_of(group / "memory.stat", "inactive_file"));
}

void add_version_1(Limits& limits, const fs::path& group) {
  add_processors(limits, number_in(group / "cpu.cfs_quota_us"), number_in(group / "cpu.cfs_period_us"));
  add_memory(limits, number_in(group / "memory.limit_in_bytes"), number_in(group / "memory.usage_in_bytes"),
             stat_of(group / "memory.stat", "total_inactive_file"));
}

// Calls one of these for each group that we are in and for each above it: of version 2, or a controller's of
// version 1.
template <class Second, class First>
void for_each_group(const fs::path& root, Second of_version_2, First of_version_1) {
  const fs::path mounts = root / "sys/fs/cgroup";
  const auto text = read_file(root / "proc/self/cgroup", 1u << 20);
  for (const auto& line : split(text ? *text : std::string(), '\n')) {  // "4:cpu,cpuacct:/path", "0::/path"
    const auto first = line.find(':'), second = line.find(':', first == line.npos ? line.npos : first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1),
                      path = line.substr(second + 1);
    if (controllers.empty())
      for (const auto& mounted : {mounts, mounts / "unified"})
        for (const auto& group : groups_of(mounted, path)) of_version_2(group);
    for (const auto& controller : split(controllers, ','))
      if (controller == "cpu" || controller == "memory")
        for (const auto& group : groups_of(mounts / controller, path)) of_version_1(group);
  }
}

// "0-3,8": how many processors this is.
std::optional<std::int64_t> count_processors(std::string_view list) {
  std::int64_t count = 0;
  for (const auto& range : split(trim(list), ',')) {
    const auto dash = range.find('-');
    const auto first = number(range.substr(0, dash));
    const auto last = dash == range.npos ? first : number(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first) return std::nullopt;
    count += *last - *first + 1;
  }
  return count;
}

// taskset, a control group's cpuset, or a batch system that binds its tasks.
std::optional<std::int64_t> allowed_processors(const fs::path& root) {
  constexpr std::string_view key = "Cpus_allowed_list:";
  const auto text = read_file(root / "proc/self/status", 1u << 16);
  for (const auto& line : split(text ? *text : std::string(), '\n'))
    if (line.starts_with(key)) return count_processors(std::string_view(line).substr(key.size()));
  return std::nullopt;
}

}  // namespace

Limits read_limits(const fs::path& root) {
  Limits limits;
  add_processors(limits, allowed_processors(root), 1);
  for_each_group(
      root, [&](const fs::path& group) { add_version_2(limits, group); },
      [&](const fs::path& group) { add_version_1(limits, group); });
  return limits;
}

std::uint64_t kills_for_memory(const fs::path& root) {
  std::int64_t kills = stat_of(root / "proc/vmstat", "oom_kill");
  for_each_group(
      root, [&](const fs::path& group) { kills += stat_of(group / "memory.events", "oom_kill"); },
      [&](const fs::path& group) { kills += stat_of(group / "memory.oom_control", "oom_kill"); });
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, kills));
}

}  // namespace labctl::host
