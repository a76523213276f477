#include "labctl/machine/qemu/cpu_wait.h"

#include <unistd.h>

#include "labctl/base/files.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::machine;
using namespace std::chrono_literals;

TEST_CASE("the run queue's wait is the second figure") {
  CHECK(run_queue_wait("1032016118 192047 38\n") == 192047ns);
  CHECK(run_queue_wait("0 0 0") == 0ns);
  CHECK_FALSE(run_queue_wait(""));
  CHECK_FALSE(run_queue_wait("12"));
  CHECK_FALSE(run_queue_wait("1 x 3"));
  CHECK_FALSE(run_queue_wait("1 -5 3"));
  CHECK_FALSE(run_queue_wait("1 99999999999999999999999 3"));
}

TEST_CASE("stolen time is the eighth figure of the first line") {
  CHECK(stolen("cpu  10635 0 7995 139648 657 0 176 15 0 0\ncpu0 1", 100) == 150ms);
  CHECK_FALSE(stolen("cpu  1 2 3", 100));  // old kernels
  CHECK_FALSE(stolen("intr 1 2 3 4 5 6 7 8", 100));
  CHECK_FALSE(stolen("", 100));
}

TEST_CASE("vCPU threads are known by the names QEMU gives them") {
  CHECK(is_vcpu_thread("CPU 0/TCG\n"));
  CHECK(is_vcpu_thread("CPU 11/KVM"));
  CHECK(is_vcpu_thread("ALL CPUs/TCG"));
  CHECK_FALSE(is_vcpu_thread("qemu-system-x86"));
  CHECK_FALSE(is_vcpu_thread("CPU 0"));
}

TEST_CASE("a guest's wait is its most starved vCPU's, since the start") {
  const fs::path proc = fs::temp_directory_path() / ("starved-" + std::to_string(getpid()));
  const auto thread = [&](const std::string& tid, const std::string& name, const std::string& stat) {
    REQUIRE(make_dirs(proc / "42" / "task" / tid));
    REQUIRE(write_file(proc / "42" / "task" / tid / "comm", name + "\n"));
    REQUIRE(write_file(proc / "42" / "task" / tid / "schedstat", stat));
  };
  thread("42", "qemu-system-x86", "5 9000000000 1");
  thread("43", "CPU 0/KVM", "5 1000000000 1");
  thread("44", "CPU 1/KVM", "5 2000000000 1");
  CpuWait wait;
  CHECK(wait.waited() == 0ms);
  wait.watch(42, proc);
  CHECK(wait.waited() == 0ms);
  thread("43", "CPU 0/KVM", "5 1300000000 1");
  thread("44", "CPU 1/KVM", "5 2500000000 1");
  CHECK(wait.waited() == 500ms);
  fs::remove_all(proc);
  CHECK(wait.waited() == 500ms);  // its process is gone
}
