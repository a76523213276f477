#include "labctl/machine/libvirt/inbox.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl::machine {
namespace {

// libvirt's opaque pointers own a share of the inbox, so a late callback finds it alive.
using Share = std::shared_ptr<Inbox>;
void* share(Share inbox) { return new Share(std::move(inbox)); }
Share& shared(void* opaque) { return *static_cast<Share*>(opaque); }
void unshare(void* opaque) { delete static_cast<Share*>(opaque); }

constexpr int late_end_ms = 2000;

}  // namespace

Status Inbox::watch_console(std::unique_ptr<Console> console) {
  std::lock_guard lock(mutex_);
  console_ = std::move(console);
  Status watching = console_->watch([inbox = shared_from_this()] {
    std::lock_guard held(inbox->mutex_);
    inbox->read_console();
  });
  reading_ = watching.has_value();
  return watching;
}

void Inbox::read_console() {
  // Bounded, so that one chattering guest cannot keep the loop from the others; what is left calls again.
  char block[16 << 10];
  for (int turn = 0; reading_ && turn < 16; ++turn) {
    const int got = console_->receive(block, sizeof block);
    if (got == Console::nothing_now) return;
    if (got == Console::closed) return stop_reading("the console was closed");
    if (got < 0) return stop_reading(fmt::format("the console failed: {}", console_->problem()));
    interpreter_.printed();
    give(ConsoleBytes{std::string(block, static_cast<std::size_t>(got))});
  }
}

void Inbox::stop_reading(const std::string& why) {
  reading_ = false;
  console_->unwatch();
  if (interpreter_.over()) return;
  // When QEMU dies its console often ends before libvirt has reported the end itself.
  end_of_console_ = why;
  void* mine = share(shared_from_this());
  if (virEventAddTimeout(late_end_ms, on_late_end, mine, unshare) < 0) {
    unshare(mine);
    give(interpreter_.console_ended(why));
  }
}

void Inbox::on_late_end(int timer, void* opaque) {
  const Share inbox = shared(opaque);
  virEventRemoveTimeout(timer);
  std::lock_guard lock(inbox->mutex_);
  inbox->give(inbox->interpreter_.console_ended(inbox->end_of_console_));
}

void Inbox::give(std::optional<Notification> sign) {
  if (sign && sink_) sink_(std::move(*sign));
}

void Inbox::monitor(const char* event, const char* details, std::chrono::microseconds when) {
  std::lock_guard lock(mutex_);
  read_console();  // what was printed before it comes before it
  give(interpreter_.monitor(event, details != nullptr ? details : "", when));
}

void Inbox::lifecycle(int event, int detail) {
  std::lock_guard lock(mutex_);
  read_console();
  give(interpreter_.lifecycle(event, detail, [this] { return last_words(log_); }));
}

void Inbox::agent(bool up) {
  std::lock_guard lock(mutex_);
  give(interpreter_.agent(up));
}

void Inbox::connection_lost(const std::string& why) {
  std::lock_guard lock(mutex_);
  give(interpreter_.connection_lost(why));
}

void Inbox::end_wanted() {
  std::lock_guard lock(mutex_);
  interpreter_.end_wanted();
}

void Inbox::pause_wanted(bool wanted) {
  std::lock_guard lock(mutex_);
  interpreter_.pause_wanted(wanted);
}

void Inbox::debugged() {
  std::lock_guard lock(mutex_);
  interpreter_.debugged();
}

void Inbox::count_pauses() {
  std::lock_guard lock(mutex_);
  interpreter_.count_pauses();
}

Millis Inbox::paused() const {
  std::lock_guard lock(mutex_);
  return interpreter_.paused(std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch()));
}

Status Inbox::type(std::string_view bytes) {
  // A guest that does not read its console takes a few bytes and then none: what it does not take is lost.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!bytes.empty()) {
    int put = 0;
    {
      std::lock_guard lock(mutex_);
      if (!reading_) return lab_error("the console is closed");
      put = console_->send(bytes);
      if (put == Console::failed)
        return lab_error(fmt::format("cannot type on the console: {}", console_->problem()));
    }
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
    if (put <= 0 && std::chrono::steady_clock::now() > deadline)
      return lab_error("the guest does not take what is typed on its console");
    if (put <= 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {};
}

bool Inbox::over() const {
  std::lock_guard lock(mutex_);
  return interpreter_.over();
}

void Inbox::silence() {
  std::lock_guard lock(mutex_);
  sink_ = nullptr;
  interpreter_.end_wanted();
  if (reading_) console_->unwatch();
  reading_ = false;
}

void Inbox::close() {
  silence();
  std::lock_guard lock(mutex_);
  console_.reset();
}

std::string last_words(const std::filesystem::path& log) {
  const Fd file(open(log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  char block[4096];
  const off_t size = lseek(file.get(), 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(sizeof block) ? size - static_cast<off_t>(sizeof block) : 0;
  const ssize_t got = pread(file.get(), block, sizeof block, from);
  if (got <= 0) return {};
  // Between its lines stand libvirt's own: how it was started, and that it ended.
  constexpr std::string_view name = "qemu-system-x86_64: ";
  std::string words;
  for (const std::string& line : split(std::string_view(block, static_cast<std::size_t>(got)), '\n')) {
    if (line.find("starting up libvirt version") != std::string::npos) words.clear();  // an earlier guest's
    const std::size_t at = line.find(name);
    if (at != std::string::npos) words = line.substr(at + name.size());
  }
  return words;
}

}  // namespace labctl::machine
