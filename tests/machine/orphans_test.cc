#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "labctl/base/files.h"
#include "labctl/machine/libvirt/root.h"
#include "labctl/machine/machine.h"
#include "labctl/machine/qemu/processes.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::machine;

namespace {

struct Base {
  fs::path path = fs::temp_directory_path() / ("o" + std::to_string(getpid()));
  fs::path runtime = path / "r";
  fs::path cache = path / "c";
  Base() { fs::remove_all(path); }  // process numbers come again
  ~Base() { fs::remove_all(path); }
};

// A process that looks like a QEMU whose files are below `root`, and one that does not.
pid_t pretend(const std::string& name, const std::string& argument) {
  const pid_t child = fork();
  if (child == 0) {
    // sleep's own argv[0] is ours to choose; "--" would be an error, so a shell waits instead.
    execl("/bin/sh", name.c_str(), "-c", "sleep 30 & wait", argument.c_str(), nullptr);
    _exit(127);
  }
  // In the middle of its exec a process has no arguments at all.
  for (int i = 0; i < 200; ++i) {
    const auto arguments = arguments_of("/proc/" + std::to_string(child));
    if (!arguments.empty() && arguments.front() == name) break;
    usleep(5000);
  }
  return child;
}

bool ended(pid_t child) {
  int status = 0;
  for (int i = 0; i < 100; ++i) {
    if (waitpid(child, &status, WNOHANG) == child) return true;
    usleep(10'000);
  }
  return false;
}

}  // namespace

TEST_CASE("a living root is no orphan, an abandoned one is") {
  Base base;
  Result<Root> living = Root::make(base.runtime, base.cache);
  REQUIRE(living);
  CHECK(find_orphans(base.runtime).empty());
  CHECK(fs::exists(living->path() / "etc" / "qemu.conf"));
  CHECK(fs::is_symlink(living->path() / "cache" / "qemu"));

  // A killed predecessor leaves the directory and an unlocked lock file.
  const fs::path dead = fs::canonical(base.runtime) / "dead";
  REQUIRE(make_dirs(dead / "run"));
  CHECK(find_orphans(base.runtime).empty());  // not made by Root::make: not ours
  REQUIRE(write_file(lock_of(dead), ""));
  const pid_t qemu = pretend("qemu-system-x86_64", "-chardev,path=" + dead.string() + "/s/x");
  const pid_t neighbour = pretend("qemu-system-x86_64", "-chardev,path=" + dead.string() + "-2/s/x");
  const pid_t editor = pretend("vim", dead.string() + "/s/x");

  const std::vector<Orphan> found = find_orphans(base.runtime);
  REQUIRE(found.size() == 1);
  CHECK(found[0].root == dead);
  CHECK(found[0].pids == std::vector<int>{qemu});
  REQUIRE(end_orphan(base.runtime, found[0]));
  CHECK(ended(qemu));
  CHECK(kill(neighbour, 0) == 0);
  CHECK(kill(editor, 0) == 0);
  CHECK_FALSE(fs::exists(dead));
  CHECK_FALSE(fs::exists(lock_of(dead)));
  kill(neighbour, SIGKILL);
  kill(editor, SIGKILL);
  waitpid(neighbour, nullptr, 0);
  waitpid(editor, nullptr, 0);

  // Whoever lives again is left alone.
  CHECK_FALSE(end_orphan(base.runtime, {living->path(), {}}));
  CHECK(fs::exists(living->path()));
}

TEST_CASE("what looks like an orphan in a folder that somebody else may have prepared is left alone") {
  Base base;
  const fs::path home = base.path / "home";
  REQUIRE(make_dirs(home / "photos"));
  REQUIRE(write_file(lock_of(home / "photos"), ""));
  fs::create_directory_symlink(home, base.runtime);
  CHECK(find_orphans(base.runtime).empty());
  fs::remove(base.runtime);
  fs::rename(home, base.runtime);
  CHECK(find_orphans(base.runtime).size() == 1);
  fs::permissions(base.runtime, fs::perms::all);
  CHECK(find_orphans(base.runtime).empty());
}

TEST_CASE("a root removes itself") {
  Base base;
  fs::path path;
  {
    Result<Root> root = Root::make(base.runtime, base.cache);
    REQUIRE(root);
    path = root->path();
    CHECK(fs::exists(path));
  }
  CHECK_FALSE(fs::exists(path));
  CHECK_FALSE(fs::exists(lock_of(path)));
}

TEST_CASE("a runtime directory that others can prepare is refused") {
  Base base;
  REQUIRE(make_dirs(base.path / "elsewhere"));
  fs::create_directory_symlink(base.path / "elsewhere", base.runtime);
  CHECK_FALSE(Root::make(base.runtime, base.cache));
  const Result<Root> deep = Root::make(base.path / std::string(80, 'd'), base.cache);
  REQUIRE_FALSE(deep);
  CHECK_THAT(deep.error().what, ContainsSubstring("too long"));
}

TEST_CASE("a wrong root matches no process") {
  CHECK(qemus_in("/").empty());
  CHECK(qemus_in("").empty());
  CHECK(qemus_in("relative/path").empty());
  CHECK(qemus_in("/tmp").empty());
}

TEST_CASE("a missing base has no orphans") { CHECK(find_orphans("/nonexistent/labctl").empty()); }

TEST_CASE("a process that was stopped by a signal is told from one that sleeps") {
  const pid_t child = pretend("(a) T name", "x");
  const fs::path process = "/proc/" + std::to_string(child);
  CHECK_FALSE(is_stopped(process));
  kill(child, SIGSTOP);
  int status = 0;
  waitpid(child, &status, WUNTRACED);
  CHECK(is_stopped(process));
  kill(child, SIGCONT);
  for (int i = 0; i < 200 && is_stopped(process); ++i) usleep(5000);
  CHECK_FALSE(is_stopped(process));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK_FALSE(is_stopped(process));  // it is gone
}

TEST_CASE("QEMU must be confined, and nothing of the root is for others") {
  CHECK_THAT(qemu_conf(false), ContainsSubstring("seccomp_sandbox = 1\n"));
  Base base;
  Result<Root> root = Root::make(base.runtime, base.cache);
  REQUIRE(root);
  for (const fs::path& path : {base.runtime, root->path()})
    CHECK((fs::status(path).permissions() & (fs::perms::group_all | fs::perms::others_all)) ==
          fs::perms::none);
}
