#include "labctl/machine/libvirt/connection.h"

#include <fmt/core.h>
#include <stdlib.h>

#include "labctl/machine/libvirt/event_loop.h"

namespace labctl::machine {
namespace {

using Shared = std::shared_ptr<Switchboard>;
void* share(const Shared& board) { return new Shared(board); }
Switchboard& board(void* opaque) { return **static_cast<Shared*>(opaque); }
void unshare(void* opaque) { delete static_cast<Shared*>(opaque); }

void on_monitor(virConnectPtr, virDomainPtr domain, const char* event, long long seconds, unsigned int micros,
                const char* details, void* opaque) {
  const std::chrono::microseconds when = std::chrono::seconds(seconds) + std::chrono::microseconds(micros);
  if (auto inbox = board(opaque).find(domain)) inbox->monitor(event, details, when);
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
  if (auto inbox = board(opaque).find(domain)) inbox->lifecycle(event, detail);
  return 0;
}

void on_agent(virConnectPtr, virDomainPtr domain, int state, int, void* opaque) {
  if (auto inbox = board(opaque).find(domain)) {
    inbox->agent(state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED);
  }
}

void on_close(virConnectPtr, int, void* opaque) {
  for (const auto& inbox : board(opaque).all()) inbox->connection_lost("the connection to libvirt was lost");
}

// The embedded driver looks up the user it was built for even when its configuration names another, if it
// runs as root; Debian's libvirt-daemon-driver-qemu does not create that user, only libvirt-daemon-system
// does.
std::string fix_for(const std::string& problem) {
  const std::size_t at = problem.find("Failed to parse user '");
  if (at == std::string::npos) return install_qemu_hint;
  const std::size_t from = problem.find('\'', at) + 1;
  return fmt::format("useradd --system --user-group --no-create-home --shell /usr/sbin/nologin {}",
                     problem.substr(from, problem.find('\'', from) - from));
}

// For an ordinary user libvirt keeps a few things below the XDG directories whatever its root is, and fails
// where there is no home to write to. It looks while it opens; nobody else's environment is changed for
// longer.
class XdgWithin {
 public:
  explicit XdgWithin(const fs::path& root) {
    for (const char* name : {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"}) {
      const char* value = getenv(name);
      before_.emplace_back(name, value != nullptr ? std::optional<std::string>(value) : std::nullopt);
      setenv(name, (root / "xdg").c_str(), 1);
    }
  }
  ~XdgWithin() {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name, value->c_str(), 1);
      } else {
        unsetenv(name);
      }
    }
  }
  XdgWithin(const XdgWithin&) = delete;

 private:
  std::vector<std::pair<const char*, std::optional<std::string>>> before_;
};

}  // namespace

void Switchboard::add(const std::string& uuid, std::shared_ptr<Inbox> inbox) {
  std::lock_guard lock(mutex_);
  inboxes_[uuid] = std::move(inbox);
}

void Switchboard::remove(const std::string& uuid) {
  std::lock_guard lock(mutex_);
  inboxes_.erase(uuid);
}

std::shared_ptr<Inbox> Switchboard::find(virDomainPtr domain) const {
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  if (virDomainGetUUIDString(domain, uuid) < 0) return nullptr;
  std::lock_guard lock(mutex_);
  const auto found = inboxes_.find(uuid);
  return found == inboxes_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<Inbox>> Switchboard::all() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Inbox>> list;
  for (const auto& [uuid, inbox] : inboxes_) list.push_back(inbox);
  return list;
}

Connection::Connection(std::optional<Root> root, ConnectHandle handle)
    : root_(std::move(root)), handle_(std::move(handle)) {}

Result<std::shared_ptr<Connection>> Connection::open(const std::string& uri, std::optional<Root> root) {
  if (Status running = start_event_loop(); !running) return fail(running.error());
  const std::string full = root ? uri + "?root=" + root->path().string() : uri;
  std::optional<XdgWithin> within;
  if (root) within.emplace(root->path());
  ConnectHandle handle(virConnectOpen(full.c_str()));
  within.reset();
  if (!handle) {
    Error error = libvirt_error(fmt::format("cannot open the hypervisor {}", uri)).value();
    if (root && error.what.find("already open") == std::string::npos) error.hint = fix_for(error.what);
    return fail(std::move(error));
  }
  std::shared_ptr<Connection> connection(new Connection(std::move(root), std::move(handle)));
  if (Status subscribed = connection->subscribe(); !subscribed) return fail(subscribed.error());
  return connection;
}

Status Connection::subscribe() {
  for (const char* event : {"RESET", "SHUTDOWN", "STOP", "RESUME", "GUEST_PANICKED", "GUEST_CRASHLOADED",
                            "BLOCK_IO_ERROR", "VSERPORT_CHANGE", "SUSPEND", "WAKEUP"}) {
    void* mine = share(switchboard_);
    const int id =
        virConnectDomainQemuMonitorEventRegister(handle_.get(), nullptr, event, on_monitor, mine, unshare, 0);
    if (id < 0) {
      unshare(mine);
      return libvirt_error("cannot watch the guests");
    }
    monitor_callbacks_.push_back(id);
  }
  const std::pair<int, virConnectDomainEventGenericCallback> domain_events[] = {
      {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)},
      {VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_agent)},
  };
  for (const auto& [event, callback] : domain_events) {
    void* mine = share(switchboard_);
    const int id = virConnectDomainEventRegisterAny(handle_.get(), nullptr, event, callback, mine, unshare);
    if (id < 0) {
      unshare(mine);
      return libvirt_error("cannot watch the guests");
    }
    domain_callbacks_.push_back(id);
  }
  // The embedded driver is this process and cannot be lost; it refuses to be asked.
  if (!root_) {
    void* mine = share(switchboard_);
    watches_close_ = virConnectRegisterCloseCallback(handle_.get(), on_close, mine, unshare) == 0;
    if (!watches_close_) unshare(mine);
    virConnectSetKeepAlive(handle_.get(), 5, 3);
  }
  return {};
}

Connection::~Connection() {
  for (int id : monitor_callbacks_) virConnectDomainQemuMonitorEventDeregister(handle_.get(), id);
  for (int id : domain_callbacks_) virConnectDomainEventDeregisterAny(handle_.get(), id);
  if (watches_close_) virConnectUnregisterCloseCallback(handle_.get(), on_close);
}

}  // namespace labctl::machine
