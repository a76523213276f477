// What control groups leave of a host, and how many guests that carries.
#include "labctl/host/limits.h"

#include <stdlib.h>

#include <map>

#include "labctl/base/files.h"
#include "labctl/host/capacity.h"
#include "tests/catch.h"

using namespace labctl;

namespace {

constexpr std::uint64_t gib = 1ull << 30;

using Files = std::map<std::string, std::string>;

// What a reader says of a host that has these files.
template <class Read>
auto below(const Files& files, Read read) {
  char name[] = "/tmp/labctl-limits-XXXXXX";
  const fs::path root = ::mkdtemp(name);
  for (const auto& [file, text] : files) {
    fs::create_directories((root / file).parent_path());
    REQUIRE(write_file(root / file, text));
  }
  const auto said = read(root);
  fs::remove_all(root);
  return said;
}

host::Limits limits_of(const Files& files, const char* allocated = nullptr) {
  return below(files, [&](const fs::path& root) { return host::read_limits(root, allocated); });
}
std::uint64_t kills_of(const Files& files) { return below(files, host::kills_for_memory); }

}  // namespace

TEST_CASE("a kill for want of memory is seen in our groups, those above them, or on the whole host") {
  Files files{{"proc/self/cgroup", "4:memory:/box\n0::/slice/service\n"},
              {"proc/vmstat", "pgfault 7\noom_kill 3\n"},
              {"sys/fs/cgroup/slice/service/memory.events", "low 0\noom 9\noom_kill 1\n"},
              {"sys/fs/cgroup/slice/memory.events", "oom_kill 1\n"},
              {"sys/fs/cgroup/memory/box/memory.oom_control", "under_oom 1\noom_kill 2\n"}};
  const auto before = kills_of(files);
  for (const char* file :
       {"proc/vmstat", "sys/fs/cgroup/slice/service/memory.events", "sys/fs/cgroup/slice/memory.events",
        "sys/fs/cgroup/memory/box/memory.oom_control"}) {
    Files later = files;
    later[file] = "oom_kill 5\n";
    CHECK(kills_of(later) > before);
  }
  files["sys/fs/cgroup/slice/memory.events"] = "oom 5\noom_kill 1\n";
  CHECK(kills_of(files) == before);
  CHECK(kills_of({}) == 0);
}

TEST_CASE("a host without control groups, and groups without limits, have none") {
  for (const Files& files : {Files{}, Files{{"proc/self/cgroup", "0::/\n"}},
                             Files{{"proc/self/cgroup", "0::/a\n"},
                                   {"sys/fs/cgroup/a/cpu.max", "max 100000\n"},
                                   {"sys/fs/cgroup/a/memory.max", "max\n"},
                                   {"sys/fs/cgroup/a/memory.current", "4096\n"}},
                             Files{{"proc/self/cgroup", "2:cpu,cpuacct:/\n1:memory:/\n"},
                                   {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
                                   {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
                                   {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
                                   {"sys/fs/cgroup/memory/memory.usage_in_bytes", "4096\n"}},
                             Files{{"proc/self/cgroup", "nonsense\n0:\n"}, {"sys/fs/cgroup/cpu.max", "1\n"}},
                             Files{{"proc/self/cgroup", "0::/\n"},
                                   {"sys/fs/cgroup/cpu.max", "x y\n"},
                                   {"sys/fs/cgroup/memory.max", "-\n"}}}) {
    const auto limits = limits_of(files);
    CHECK_FALSE(limits.processors);
    CHECK_FALSE(limits.memory_free);
  }
}

TEST_CASE("the tightest group of version 2 counts, and a cache that can be dropped is free") {
  const auto limits =
      limits_of({{"proc/self/cgroup", "0::/slice/service\n"},
                 {"sys/fs/cgroup/slice/service/cpu.max", "400000 100000\n"},
                 {"sys/fs/cgroup/slice/cpu.max", "150000 100000\n"},
                 {"sys/fs/cgroup/slice/service/memory.max", "4294967296\n"},
                 {"sys/fs/cgroup/slice/service/memory.current", "3221225472\n"},
                 {"sys/fs/cgroup/slice/service/memory.stat", "anon 1\ninactive_file 2147483648\n"},
                 {"sys/fs/cgroup/slice/memory.max", "max\n"},
                 {"sys/fs/cgroup/slice/memory.current", "3221225472\n"}});
  CHECK(limits.processors == 1.5);
  CHECK(limits.memory_free == 3 * gib);
}

TEST_CASE("in a container its own group is mounted, whatever its path on the host") {
  const auto limits = limits_of({{"proc/self/cgroup", "0::/../../docker/0123\n"},
                                 {"sys/fs/cgroup/cpu.max", "200000 100000\n"},
                                 {"sys/fs/cgroup/memory.max", "1073741824\n"},
                                 {"sys/fs/cgroup/memory.current", "2147483648\n"}});
  CHECK(limits.processors == 2);
  CHECK(limits.memory_free == 0);
}

TEST_CASE("groups of version 1 count too, beside an empty one of version 2") {
  const auto limits =
      limits_of({{"proc/self/cgroup", "4:memory:/docker/0123\n1:cpu,cpuacct:/docker/0123\n0::/\n"},
                 {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"},
                 {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
                 {"sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "2147483648\n"},
                 {"sys/fs/cgroup/memory/docker/0123/memory.usage_in_bytes", "1073741824\n"},
                 {"sys/fs/cgroup/memory/docker/0123/memory.stat", "total_inactive_file 536870912\n"}});
  CHECK(limits.processors == 0.5);
  CHECK(limits.memory_free == gib + gib / 2);
}

TEST_CASE("no more guests at once than the limits carry") {
  const auto carried = [](const host::Limits& limits) { return host::capacity(gib, 8, 64 * gib, limits); };
  CHECK(carried({}).jobs == 16);
  CHECK(carried({}).cores == 8);
  CHECK(carried({.processors = 1.5}).jobs == 3);
  CHECK(carried({.processors = 1.5}).cores == 2);
  CHECK_THAT(carried({.processors = 1.5}).why,
             ContainsSubstring("1.5 of 8 cores") && ContainsSubstring("control group"));
  CHECK(carried({.processors = 0.2}).jobs == 1);
  CHECK(carried({.processors = 100}).jobs == 16);
  CHECK(carried({.memory_free = 3 * gib}).jobs == 2);
  CHECK(carried({.memory_free = 3 * gib}).memory_free == 3 * gib);
  CHECK(carried({.memory_free = 1}).jobs == 1);
  CHECK(carried({.memory_free = 1000 * gib}).memory_free == 64 * gib);
}

TEST_CASE("what a batch system has allocated is a limit, although it may not enforce it") {
  const std::pair<const char*, std::optional<double>> rows[] = {
      {nullptr, std::nullopt}, {"1", 1.0},          {"12", 12.0},
      {"", std::nullopt},      {"0", std::nullopt}, {"-3", std::nullopt},
      {"4(x2)", std::nullopt},
  };
  for (const auto& [allocated, processors] : rows) CHECK(limits_of({}, allocated).processors == processors);
  const Files files{{"proc/self/cgroup", "0::/job\n"}, {"sys/fs/cgroup/job/cpu.max", "200000 100000\n"}};
  CHECK(limits_of(files, "1").processors == 1.0);
  CHECK(limits_of(files, "8").processors == 2.0);
}
