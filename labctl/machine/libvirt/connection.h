// One connection, its private root if it is embedded, and the table that takes its events to the right
// machine.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "labctl/machine/libvirt/handles.h"
#include "labctl/machine/libvirt/inbox.h"
#include "labctl/machine/libvirt/root.h"

namespace labctl::machine {

inline constexpr const char* install_qemu_hint =
    "apt-get install qemu-system-x86 qemu-utils libvirt-daemon-driver-qemu";

// Events come for every guest of the hypervisor; machines of others are not in the table.
class Switchboard {
 public:
  void add(const std::string& uuid, std::shared_ptr<Inbox> inbox);
  void remove(const std::string& uuid);
  std::shared_ptr<Inbox> find(virDomainPtr domain) const;
  std::vector<std::shared_ptr<Inbox>> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Inbox>> inboxes_;
};

class Connection {
 public:
  // `root` is present exactly when `uri` is the embedded driver's.
  static Result<std::shared_ptr<Connection>> open(const std::string& uri, std::optional<Root> root);
  ~Connection();
  Connection(const Connection&) = delete;

  virConnectPtr get() const { return handle_.get(); }
  const std::optional<Root>& root() const { return root_; }
  Switchboard& switchboard() { return *switchboard_; }

 private:
  Connection(std::optional<Root> root, ConnectHandle handle);
  Status subscribe();

  std::optional<Root> root_;  // goes last
  std::shared_ptr<Switchboard> switchboard_ = std::make_shared<Switchboard>();
  ConnectHandle handle_;
  std::vector<int> monitor_callbacks_;
  std::vector<int> domain_callbacks_;
  bool watches_close_ = false;
};

}  // namespace labctl::machine
