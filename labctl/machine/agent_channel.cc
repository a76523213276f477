#include "labctl/machine/agent_channel.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"

namespace labctl::machine {
namespace {

using namespace std::chrono_literals;

constexpr char delimiter = '\xff';  // no UTF-8 text holds it: what follows is the echo
constexpr std::size_t longest_echo = 200;
constexpr std::size_t block = 64u << 10;

Status silent() { return lab_error("the guest agent did not answer"); }
Error nonsense(const std::string& what) {
  return {Fault::input, fmt::format("the guest agent's answer is malformed: {}", what), {}, {}};
}

// JSON's integers go through doubles in some agents: 53 bits are exact.
long long random_number() {
  std::uint64_t bits = 0;
  while (getrandom(&bits, sizeof bits, 0) != sizeof bits) continue;
  return static_cast<long long>(bits >> 11);
}

}  // namespace

Result<Json> AgentChannel::ask(const Json& command, Time deadline) {
  if (Status ready = open(); !ready) return fail(ready.error());
  if (Status synchronised = synchronise(deadline); !synchronised) return fail(synchronised.error());
  Json numbered = command;
  const long long id = random_number();
  numbered["id"] = id;
  if (Status sent = send(dump_line(numbered) + "\n", deadline); !sent) return fail(sent.error());
  const Result<std::string> said = line(longest_answer, deadline);
  if (!said) return fail(said.error());
  Result<Json> answer = parse_json(*said, {});
  if (!answer) return fail(nonsense(answer.error().what));
  if (!answer->is_object()) return fail(nonsense("it is not an object"));
  // Agents before QEMU 3.0 name no id; the echo just before says whose turn it is.
  if (answer->contains("id") && number_at(*answer, "id", -1) != id)
    return fail(nonsense("it is of another request"));
  const bool error = answer->contains("error");
  if (error == answer->contains("return")) return fail(nonsense("it is neither a result nor an error"));
  if (error)
    return input_error(
        fmt::format("the guest agent answered an error: {}", printable(dump_line((*answer)["error"]), 500)));
  return std::move((*answer)["return"]);
}

// The socket stays when the guest resets; only its hypervisor's end closes it.
Status AgentChannel::open() {
  if (closed_) return lab_error("the guest was ended");
  if (fd_) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket_.string();
  if (path.size() >= sizeof address.sun_path)
    return lab_error("the agent's socket has too long a path", path);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return lab_error(fmt::format("cannot open the guest agent's channel: {}", std::strerror(errno)), path);
  fd_ = std::move(fd);
  return {};
}

Status AgentChannel::send(const std::string& line, Time deadline) {
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t sent = ::send(fd_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      left.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) {
      fd_.reset();
      return silent();
    }
    if (closed_ || std::chrono::steady_clock::now() >= deadline) return silent();
    pollfd room{fd_.get(), POLLOUT, 0};
    ::poll(&room, 1, 50);
  }
  return {};
}

Status AgentChannel::receive(Time deadline) {
  for (;;) {
    if (closed_ || std::chrono::steady_clock::now() >= deadline) return silent();
    pollfd more{fd_.get(), POLLIN, 0};
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    ::poll(&more, 1, static_cast<int>(std::clamp<long long>(left.count(), 1, 50)));
    const std::size_t before = buffer_.size();
    buffer_.resize(before + block);
    const ssize_t got = ::recv(fd_.get(), buffer_.data() + before, block, 0);
    buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return {};
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    fd_.reset();
    return silent();
  }
}

// Whatever was said before the echo belongs to earlier questions, or to none.
Status AgentChannel::synchronise(Time deadline) {
  buffer_.clear();
  const long long number = random_number();
  const Json sync{{"execute", "guest-sync-delimited"}, {"arguments", {{"id", number}}}};
  // The delimiter also ends what the agent itself was in the middle of reading.
  if (Status sent = send(delimiter + dump_line(sync) + "\n", deadline); !sent) return sent;
  for (;;) {
    const std::size_t begin = buffer_.find(delimiter);
    buffer_.erase(0, begin == std::string::npos ? buffer_.size() : begin + 1);
    if (begin == std::string::npos) {
      if (Status got = receive(deadline); !got) return got;
      continue;
    }
    const Result<std::string> echo = line(longest_echo, deadline);
    if (!echo && echo.error().fault == Fault::lab) return fail(echo.error());
    const Result<Json> answer = echo ? parse_json(*echo, {}) : Result<Json>(fail(echo.error()));
    if (answer && number_at(*answer, "return", -1) == number) return {};
  }
}

Result<std::string> AgentChannel::line(std::size_t limit, Time deadline) {
  std::size_t seen = 0;
  for (;;) {
    const std::size_t end = buffer_.find('\n', seen);
    if (std::min(end, buffer_.size()) > limit) {
      return fail(nonsense(fmt::format("it is longer than {}", show_size(limit))));
    }
    if (end != std::string::npos) {
      std::string text = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return text;
    }
    seen = buffer_.size();
    if (Status got = receive(deadline); !got) return fail(got.error());
  }
}

}  // namespace labctl::machine
