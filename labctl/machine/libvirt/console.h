// The serial console of one running guest: bytes both ways, and the news that there are some. What they mean
// is the inbox's.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "labctl/machine/libvirt/handles.h"

namespace labctl::machine {

class Console {
 public:
  static constexpr int nothing_now = -2, failed = -1, closed = 0;

  virtual ~Console() = default;

  // None of these waits. How many bytes, or one of the above; why it failed is problem()'s to say.
  virtual int receive(char* to, std::size_t most) = 0;
  virtual int send(std::string_view bytes) = 0;
  virtual std::string problem() const = 0;

  // `news` is called on the event loop's thread as long as there is something to receive, until unwatch(); a
  // call under way then may come to its end afterwards.
  virtual Status watch(std::function<void()> news) = 0;
  virtual void unwatch() = 0;
};

// The terminal of a guest whose QEMU is ours, opened without libvirt, which would lock it with a file in
// /run/lock: one that a killed labctl left there fails the guest that gets the terminal next, when its
// process number is somebody's again, or when the file is another user's and nobody may remove it.
Result<std::unique_ptr<Console>> open_terminal(const std::filesystem::path& path);
// As another's libvirt gives it.
Result<std::unique_ptr<Console>> open_stream(virConnectPtr connection, virDomainPtr domain);

}  // namespace labctl::machine
