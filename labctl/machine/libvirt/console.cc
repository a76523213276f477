#include "labctl/machine/libvirt/console.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <utility>

#include "labctl/base/files.h"

namespace labctl::machine {
namespace {

// libvirt's opaque pointers own what is to be called.
using News = std::function<void()>;
void* own(News news) { return new News(std::move(news)); }
void tell(void* opaque) { (*static_cast<News*>(opaque))(); }
void disown(void* opaque) { delete static_cast<News*>(opaque); }

class Terminal final : public Console {
 public:
  explicit Terminal(Fd fd) : fd_(std::move(fd)) {}
  ~Terminal() override { unwatch(); }

  int receive(char* to, std::size_t most) override { return ended(read(fd_.get(), to, most)); }
  int send(std::string_view bytes) override { return ended(write(fd_.get(), bytes.data(), bytes.size())); }
  std::string problem() const override { return strerror(problem_); }

  Status watch(std::function<void()> news) override {
    void* mine = own(std::move(news));
    constexpr int any = VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP | VIR_EVENT_HANDLE_ERROR;
    watch_ = virEventAddHandle(
        fd_.get(), any, [](int, int, int, void* opaque) { tell(opaque); }, mine, disown);
    if (watch_ >= 0) return {};
    disown(mine);
    return libvirt_error("cannot watch the console");
  }
  void unwatch() override {
    if (const int watch = std::exchange(watch_, -1); watch >= 0) virEventRemoveHandle(watch);
  }

 private:
  int ended(ssize_t count) {
    if (count >= 0) return static_cast<int>(count);
    if (errno == EAGAIN || errno == EINTR) return nothing_now;
    if (errno == EIO) return closed;  // the other end of a terminal is gone
    problem_ = errno;
    return failed;
  }

  Fd fd_;
  int watch_ = -1;
  int problem_ = 0;
};

class Stream final : public Console {
 public:
  explicit Stream(StreamHandle stream) : stream_(std::move(stream)) {}
  ~Stream() override {
    unwatch();
    virStreamAbort(stream_.get());
  }

  int receive(char* to, std::size_t most) override { return virStreamRecv(stream_.get(), to, most); }
  int send(std::string_view bytes) override {
    return virStreamSend(stream_.get(), bytes.data(), bytes.size());
  }
  std::string problem() const override {
    virErrorPtr last = virGetLastError();
    return last != nullptr && last->message != nullptr ? last->message : "unknown reason";
  }

  Status watch(std::function<void()> news) override {
    void* mine = own(std::move(news));
    constexpr int any = VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_HANGUP | VIR_STREAM_EVENT_ERROR;
    watched_ =
        virStreamEventAddCallback(
            stream_.get(), any, [](virStreamPtr, int, void* opaque) { tell(opaque); }, mine, disown) == 0;
    if (watched_) return {};
    disown(mine);
    return libvirt_error("cannot watch the console");
  }
  void unwatch() override {
    if (std::exchange(watched_, false)) virStreamEventRemoveCallback(stream_.get());
  }

 private:
  StreamHandle stream_;
  bool watched_ = false;
};

}  // namespace

Result<std::unique_ptr<Console>> open_terminal(const std::filesystem::path& path) {
  Fd fd(open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  termios raw{};
  // Raw, or the terminal would echo what the guest prints back to it.
  if (!fd || tcgetattr(fd.get(), &raw) != 0)
    return lab_error(fmt::format("cannot open the console: {}", strerror(errno)), path);
  cfmakeraw(&raw);
  if (tcsetattr(fd.get(), TCSANOW, &raw) != 0)
    return lab_error(fmt::format("cannot open the console: {}", strerror(errno)), path);
  return std::make_unique<Terminal>(std::move(fd));
}

Result<std::unique_ptr<Console>> open_stream(virConnectPtr connection, virDomainPtr domain) {
  StreamHandle stream(virStreamNew(connection, VIR_STREAM_NONBLOCK));
  if (!stream) return libvirt_error("cannot make a stream for the console");
  if (virDomainOpenConsole(domain, nullptr, stream.get(), 0) < 0)
    return libvirt_error("cannot open the console");
  return std::make_unique<Stream>(std::move(stream));
}

}  // namespace labctl::machine
