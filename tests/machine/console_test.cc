// The guest's end of a serial console is a terminal's other side, and this test.
#include "labctl/machine/libvirt/console.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/machine/libvirt/domain_xml.h"
#include "labctl/machine/libvirt/event_loop.h"
#include "labctl/machine/libvirt/inbox.h"
#include "tests/catch.h"

using namespace labctl;
using namespace labctl::machine;
using namespace std::chrono_literals;

namespace {

// As QEMU makes it: the terminal's name is for whoever reads, and nobody holds that side open.
class Guest {
 public:
  Guest() : side_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(side_);
    REQUIRE(grantpt(side_.get()) == 0);
    REQUIRE(unlockpt(side_.get()) == 0);
  }
  fs::path terminal() const { return ptsname(side_.get()); }
  void print(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = write(side_.get(), bytes.data(), bytes.size());
      REQUIRE(put > 0);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  std::string reads(std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t done = 0; done < count;) {
      const ssize_t got = read(side_.get(), text.data() + done, count - done);
      REQUIRE(got > 0);
      done += static_cast<std::size_t>(got);
    }
    return text;
  }
  void die() { side_.reset(); }

 private:
  Fd side_;
};

class Heard {
 public:
  Sink sink() {
    return [this](Notification sign) {
      std::lock_guard lock(mutex_);
      if (auto* bytes = std::get_if<ConsoleBytes>(&sign)) text_ += bytes->bytes;
      if (auto* ended = std::get_if<ConsoleEnded>(&sign)) end_ = ended->why;
      more_.notify_all();
    };
  }
  std::string text(std::size_t size) {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, 20s, [&] { return text_.size() >= size; });
    return text_;
  }
  std::string end() {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, 20s, [&] { return !end_.empty(); });
    return end_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::string text_, end_;
};

struct Listening {
  Guest guest;
  Heard heard;
  std::shared_ptr<Inbox> inbox = std::make_shared<Inbox>(heard.sink(), fs::path());
  Listening() {
    REQUIRE(start_event_loop());
    auto console = open_terminal(guest.terminal());
    REQUIRE(console);
    REQUIRE(inbox->watch_console(std::move(*console)));
  }
  ~Listening() { inbox->close(); }
};

}  // namespace

TEST_CASE("a console is read as it is printed: every byte, in order, none made another") {
  Listening here;
  std::string all;
  for (int i = 0; i < 1 << 20; ++i) all += static_cast<char>(i * 7 + i / 256);
  here.guest.print(all);
  CHECK(here.heard.text(all.size()) == all);
}

TEST_CASE("what a guest prints does not come back to it, and what is typed reaches it as it is") {
  Listening here;
  here.guest.print("login: ");
  here.heard.text(7);
  const std::string typed = "root\r\n\x03\x04\x11\x13";
  REQUIRE(here.inbox->type(typed));
  CHECK(here.guest.reads(typed.size()) == typed);
}

TEST_CASE("a guest that does not read what is typed is told so, without an end of waiting") {
  Listening here;
  const Status typed = here.inbox->type(std::string(1 << 20, 'x'));
  REQUIRE_FALSE(typed);
  CHECK(typed.error().what == "the guest does not take what is typed on its console");
}

TEST_CASE("the end of a console is noticed") {
  Listening here;
  here.guest.print("last words");
  CHECK(here.heard.text(10) == "last words");
  here.guest.die();
  CHECK(here.heard.end() == "the console was closed");
  CHECK(here.inbox->type("x").error().what == "the console is closed");
}

TEST_CASE("a console that is let go is not read any more, and leaves no descriptor") {
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
  };
  { Listening first; }  // the event loop's own
  const auto before = open_files();
  for (int i = 0; i < 20; ++i) {
    Listening here;
    here.guest.print("x");
    here.heard.text(1);
  }
  CHECK(open_files() == before);
}

TEST_CASE("a terminal that is not there is told with its reason") {
  const auto console = open_terminal("/dev/pts/none");
  REQUIRE_FALSE(console);
  CHECK(console.error().what == "cannot open the console: No such file or directory");
  CHECK(console.error().fault == Fault::lab);
}

TEST_CASE("a guest's terminal is found in its definition") {
  CHECK(terminal(
            "<domain><devices><serial type='pty'><source path='/dev/pts/7'/></serial></devices></domain>") ==
        "/dev/pts/7");
  CHECK(terminal("<domain><devices><serial type='unix'><source path='/s'/></serial></devices></domain>")
            .empty());
}
