// The guest agent's socket, spoken to without libvirt. libvirt would build what a guest answers, ten million
// levels deep if the guest likes, in our own process and with functions that call themselves: a guest could
// end us with one line. Here an answer is a line of bounded length, read by a parser of bounded depth.
//
// Who is answered: before each command stands a synchronisation with a random number that no earlier answer
// can hold; what comes before its echo is thrown away. An answer that names another command's id is refused.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

#include "labctl/base/files.h"
#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"

namespace labctl::machine {

class AgentChannel {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit AgentChannel(std::filesystem::path socket) : socket_(std::move(socket)) {}

  // Before the guest runs, so that a restored one never finds its channel closed. ask() does it when need be.
  Status open();

  // One command and its "return" value. Errors as Machine::ask() has them. One thread.
  Result<Json> ask(const Json& command, Time deadline);

  // From any thread: what is under way ends soon, and nothing is asked any more.
  void close() { closed_ = true; }

  // An answer of more bytes is refused. Twice base64 of the longest output that is read fits.
  static constexpr std::size_t longest_answer = 12u << 20;

 private:
  Status send(const std::string& line, Time deadline);
  Status receive(Time deadline);  // appends to buffer_ what is there, and waits for it
  Status synchronise(Time deadline);
  Result<std::string> line(std::size_t limit, Time deadline);

  std::filesystem::path socket_;
  Fd fd_;
  std::string buffer_;  // received and not looked at yet
  std::atomic<bool> closed_ = false;
};

}  // namespace labctl::machine
