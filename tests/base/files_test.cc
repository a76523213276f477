#include "labctl/base/files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <thread>

#include "labctl/base/digest.h"
#include "labctl/base/pinned_file.h"
#include "labctl/base/queue.h"
#include "tests/catch.h"

using namespace labctl;
using namespace std::chrono_literals;

namespace {

struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "labctl-files-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  int entries() const {
    int count = 0;
    for (const auto& each : fs::directory_iterator(path)) count += !each.path().empty();
    return count;
  }
};

}  // namespace

TEST_CASE("a held file notices when it is changed, replaced, linked or removed") {
  const Folder folder;
  const fs::path file = folder.path / "a";
  const auto held = [&] {
    fs::remove(file);
    REQUIRE(write_file(file, "first"));
    return PinnedFile::open(file).value();
  };
  auto same = held();
  CHECK(same.sha256().value() == sha256("first"));
  CHECK(same.sha256().value() == sha256("first"));
  CHECK(same.unchanged());

  const std::pair<const char*, std::function<void()>> attacks[] = {
      {"other bytes of the same length", [&] { std::ofstream(file) << "fIrst"; }},
      {"more bytes", [&] { std::ofstream(file, std::ios::app) << "x"; }},
      {"another file of the name", [&] { REQUIRE(write_file(file, "first")); }},
      {"a link to the same bytes",
       [&] {
         fs::rename(file, folder.path / "b");
         fs::create_symlink(folder.path / "b", file);
       }},
      {"gone", [&] { fs::remove(file); }},
      {"swapped and swapped back",
       [&] {
         REQUIRE(write_file(folder.path / "b", "evil!"));
         fs::rename(file, folder.path / "c");
         fs::rename(folder.path / "b", file);
         fs::rename(folder.path / "c", file);
       }},
  };
  for (const auto& [name, attack] : attacks) {
    INFO(name);
    auto before = held(), after = held();
    REQUIRE(after.sha256());
    std::this_thread::sleep_for(20ms);  // the file system's clock has ticks
    attack();
    CHECK_FALSE(after.unchanged());
    CHECK_FALSE(before.sha256());
  }
}

TEST_CASE("a held file is a regular file under its own name") {
  const Folder folder;
  REQUIRE(write_file(folder.path / "a", "x"));
  fs::create_symlink(folder.path / "a", folder.path / "link");
  ::mkfifo((folder.path / "pipe").c_str(), 0600);
  CHECK_THAT(PinnedFile::open(folder.path / "link").error().what, ContainsSubstring("symbolic link"));
  CHECK_THAT(PinnedFile::open(folder.path / "pipe").error().what, ContainsSubstring("regular file"));
  CHECK_THAT(PinnedFile::open(folder.path).error().what, ContainsSubstring("regular file"));
  CHECK_THAT(PinnedFile::open("/dev/null").error().what, ContainsSubstring("regular file"));
  CHECK_THAT(PinnedFile::open(folder.path / "none").error().what, ContainsSubstring("cannot open"));
}

TEST_CASE("a new file never takes another's place") {
  const Folder folder;
  const fs::path file = folder.path / "key";
  REQUIRE(create_file(file, "secret", 0600));
  CHECK((fs::status(file).permissions() & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none);
  CHECK_FALSE(create_file(file, "other", 0600));
  fs::create_symlink(folder.path / "elsewhere", folder.path / "link");
  CHECK_FALSE(create_file(folder.path / "link", "other", 0600));
  CHECK(read_file(file).value() == "secret");
  CHECK(folder.entries() == 2);
}

TEST_CASE("a file is written whole or not at all") {
  const Folder folder;
  const fs::path file = folder.path / "a";
  const std::string binary("x\0\xff\n", 4);
  REQUIRE(write_file(file, binary));
  CHECK(read_file(file).value() == binary);
  REQUIRE(write_file(file, "new"));
  CHECK(read_file(file).value() == "new");
  CHECK(folder.entries() == 1);

  // A reader that comes at any time sees the old or the new, never a mixture.
  const std::string one(300'000, '1'), two(200'000, '2');
  REQUIRE(write_file(file, one));
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested())
      static_cast<void>(write_file(file, two)), static_cast<void>(write_file(file, one));
  });
  for (int i = 0; i < 100; ++i) {
    const auto seen = read_file(file);
    REQUIRE(seen);
    CHECK((*seen == one || *seen == two));
  }
}

TEST_CASE("a file that cannot be written leaves nothing behind") {
  const Folder folder;
  CHECK_FALSE(write_file(folder.path / "missing" / "a", "x"));
  fs::create_directories(folder.path / "folder" / "inside");
  auto over_a_folder = write_file(folder.path / "folder", "x");
  REQUIRE_FALSE(over_a_folder);
  CHECK_THAT(over_a_folder.error().text(), ContainsSubstring("folder"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("only regular files within bounds are read") {
  const Folder folder;
  const fs::path file = folder.path / "a";
  REQUIRE(write_file(file, std::string(100'000, 'x')));
  CHECK(read_file(file, 100'000));
  CHECK_FALSE(read_file(file, 99'999));
  CHECK_FALSE(read_file(folder.path));
  CHECK_FALSE(read_file(folder.path / "missing"));
  CHECK_FALSE(read_file("/dev/zero"));
  const fs::path fifo = folder.path / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_FALSE(read_file(fifo));  // and does not wait for a writer
}

TEST_CASE("only regular files have a digest") {
  const Folder folder;
  const fs::path file = folder.path / "a", fifo = folder.path / "fifo";
  REQUIRE(write_file(file, std::string(3'000'000, 'x')));
  CHECK(sha256_file(file).value() == sha256(std::string(3'000'000, 'x')));
  CHECK_FALSE(sha256_file(folder.path));
  CHECK_FALSE(sha256_file(folder.path / "missing"));
  CHECK_FALSE(sha256_file("/dev/zero"));
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK_FALSE(sha256_file(fifo));
}

TEST_CASE("an appender appends, and tells when the disk is full") {
  const Folder folder;
  const fs::path file = folder.path / "log";
  for (const char* line : {"one\n", "two\n"}) {
    auto log = Appender::open(file);
    REQUIRE(log);
    CHECK(log->write(line));
    CHECK(log->sync());
  }
  CHECK(read_file(file).value() == "one\ntwo\n");
  auto full = Appender::open("/dev/full");
  REQUIRE(full);
  auto written = full->write("x");
  REQUIRE_FALSE(written);
  CHECK(written.error().fault == Fault::lab);
  CHECK_THAT(written.error().text(), ContainsSubstring("/dev/full"));
  CHECK_FALSE(Appender::open(folder.path / "missing" / "log"));
}

TEST_CASE("a tree may be removed by two at once") {
  Folder folder;
  std::atomic<int> failed = 0;
  for (int round = 0; round < 20; ++round) {
    const auto tree = folder.path / "tree";
    for (int i = 0; i < 50; ++i) {
      REQUIRE(make_dirs(tree / std::to_string(i)));
      REQUIRE(write_file(tree / std::to_string(i) / "file", "x"));
    }
    {
      const auto remove = [&] { failed += !remove_below(folder.path, tree); };
      std::jthread one(remove), another(remove);
    }
    CHECK_FALSE(std::filesystem::exists(tree));
  }
  CHECK(failed == 0);
}

TEST_CASE("a lock has one holder and goes with it") {
  const Folder folder;
  const fs::path file = folder.path / "lock";
  {
    auto held = Lock::try_take(file);
    REQUIRE(held);
    auto second = Lock::try_take(file);
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().text(),
               ContainsSubstring("process " + std::to_string(::getpid()) + " holds the lock"));
    auto moved = std::move(*held);
    CHECK_FALSE(Lock::try_take(file));
  }
  CHECK(Lock::try_take(file));

  // The holder's death frees it.
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto held = Lock::try_take(file);
    static_cast<void>(::write(ready[1], "x", 1) == 1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK_FALSE(Lock::try_take(file));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(Lock::wait(file));
  ::close(ready[0]), ::close(ready[1]);
  CHECK_FALSE(Lock::try_take(folder.path / "missing" / "lock"));
}

TEST_CASE("a lock is free when its holder is dead, though a child of it has not yet become another program") {
  const Folder folder;
  const fs::path file = folder.path / "lock";
  const pid_t holder = ::fork();
  if (holder == 0) {
    auto held = Lock::try_take(file);
    if (::fork() == 0) ::usleep(300'000);  // between fork and exec, and the host is busy
    ::_exit(held ? 0 : 1);
  }
  int status = 0;
  ::waitpid(holder, &status, 0);
  REQUIRE(status == 0);
  CHECK(Lock::try_take(file));
}

TEST_CASE("folders are made, renamed and removed") {
  const Folder folder;
  CHECK(make_dirs(folder.path / "a" / "b"));
  CHECK(make_dirs(folder.path / "a" / "b"));
  REQUIRE(write_file(folder.path / "file", "x"));
  CHECK_FALSE(make_dirs(folder.path / "file" / "b"));
  CHECK(rename_synced(folder.path / "a", folder.path / "c"));
  CHECK(fs::exists(folder.path / "c" / "b"));
  CHECK_FALSE(rename_synced(folder.path / "a", folder.path / "d"));
  fs::create_directory_symlink("/usr", folder.path / "c" / "link");
  CHECK(remove_below(folder.path, folder.path / "c"));
  CHECK(fs::exists("/usr"));
  CHECK(remove_below(folder.path, folder.path / "c"));
  CHECK(remove_below(folder.path / "none", folder.path / "none" / "c"));
}

TEST_CASE("nothing is removed that does not lie below the root that its caller names") {
  const Folder folder;
  const fs::path root = folder.path / "root", other = folder.path / "photos";
  REQUIRE(make_dirs(root / "own"));
  REQUIRE(make_dirs(other / "summer"));
  fs::create_directory_symlink(other, root / "link");
  fs::create_directory_symlink(root, folder.path / "way");
  for (const auto& path :
       {root / "../photos", root / "own/../../photos", root / "link/summer", other, root, root / "",
        root / ".", root / "..", folder.path / "root2", fs::path("photos"), fs::path()}) {
    INFO(path);
    const auto refused = remove_below(root, path);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().text(), ContainsSubstring("does not lie below"));
  }
  CHECK(fs::exists(other / "summer"));
  CHECK(fs::exists(root / "own"));
  CHECK(remove_below(root, root / "link"));  // the link alone
  CHECK(fs::exists(other / "summer"));
  CHECK(remove_below(folder.path / "way", root / "own"));  // the same place, whatever it is called
  CHECK_FALSE(fs::exists(root / "own"));
}

TEST_CASE("free space is told for places that are not there yet") {
  const Folder folder;
  CHECK(free_space(folder.path).value() > 0);
  CHECK(free_space(folder.path / "not" / "yet").value() > 0);
  CHECK(free_space("relative/not/yet").value() > 0);
}

TEST_CASE("a descriptor has one owner and does not survive exec") {
  const int raw = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Fd first(raw);
    Fd second(std::move(first));
    CHECK_FALSE(first);
    second = Fd(second.release());
    CHECK(second.get() == raw);
  }
  CHECK(::fcntl(raw, F_GETFD) == -1);
}

TEST_CASE("a queue gives what many threads put, in each one's order") {
  Queue<std::pair<int, int>> queue;
  CHECK_FALSE(queue.pop_until(std::chrono::steady_clock::now() + 10ms));
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&queue, t] {
        for (int i = 0; i < 1000; ++i) queue.push({t, i});
      });
    int next[4] = {};
    for (int i = 0; i < 4000; ++i) {
      auto value = queue.pop_until(std::chrono::steady_clock::now() + 10s);
      REQUIRE(value);
      CHECK(value->second == next[value->first]++);
    }
  }
}

TEST_CASE("what is written is its owner's alone") {
  const fs::path folder = fs::temp_directory_path() / ("labctl-modes-" + std::to_string(::getpid()));
  REQUIRE(make_dirs(folder));
  REQUIRE(write_file(folder / "text", "x"));
  REQUIRE(Appender::open(folder / "journal"));
  REQUIRE(Lock::try_take(folder / "lock"));
  const auto of_others = fs::perms::group_all | fs::perms::others_all;
  for (const fs::path& path : {folder / "text", folder / "journal", folder / "lock"}) {
    INFO(path);
    CHECK((fs::status(path).permissions() & of_others) == fs::perms::none);
  }
  fs::remove_all(folder);
}
