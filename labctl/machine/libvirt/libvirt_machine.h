// Machine over libvirt.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "labctl/base/json.h"
#include "labctl/machine/agent_channel.h"
#include "labctl/machine/libvirt/connection.h"
#include "labctl/machine/libvirt/domain_xml.h"
#include "labctl/machine/machine.h"
#include "labctl/machine/qemu/cpu_wait.h"
#include "labctl/machine/restore.h"

namespace labctl::machine {

class LibvirtMachine final : public Machine,
                             public Diagnosable,
                             public Checkpointable,
                             public Debuggable,
                             public Suspendable,
                             public Restorable {
 public:
  LibvirtMachine(std::shared_ptr<Connection> connection, Spec spec, DomainPlace place, Sink sink);
  ~LibvirtMachine() override;

  Status start(From from) override;
  Result<Json> ask(const Json& command, Millis patience) override;
  Status insert_cd(const std::filesystem::path& iso) override;
  Status power_cut() override;
  Status wake() override;
  Status inject_nmi() override;
  Status resume() override;
  Status screenshot(const std::filesystem::path& png) override;
  Status type(std::string_view bytes) override;
  Status dump(const std::filesystem::path& file) override;
  Status listen_for_gdb(int port) override;
  Result<std::string> vnc() const override;
  Millis cpu_wait() const override;
  std::string definition() const override { return definition_; }
  Status save(From as) override;
  Status restore(From from) override;
  void end() override;
  Diagnosable* diagnosable() override { return this; }
  Checkpointable* checkpointable() override { return this; }
  Debuggable* debuggable() override { return this; }
  Suspendable* suspendable() override { return this; }

 private:
  Status begin();
  Status load(From from);  // the state, into a guest that is paused
  Result<std::unique_ptr<Console>> open_console();
  Result<Json> monitor(const Json& command);
  Status change_medium(const std::filesystem::path& iso);  // of our own QEMU
  Status update_drive(const std::filesystem::path& iso);   // of another's libvirt
  Result<std::string> human_monitor(const std::string& command);
  Result<Json> ask_through_libvirt(const Json& command, std::chrono::seconds patience);
  Status refuse_unless_started() const;

  std::shared_ptr<Connection> connection_;
  Spec spec_;
  DomainPlace place_;
  std::string definition_;
  std::filesystem::path log_;  // libvirt's, of this guest; empty where it is not ours
  std::shared_ptr<Inbox> inbox_;
  DomainHandle domain_;
  CpuWait cpu_wait_;
  std::filesystem::path process_;  // in /proc; empty while it is not known

  std::optional<AgentChannel> agent_;  // none on a host that is not ours: its sockets are not here
  std::mutex asking_mutex_;
  std::condition_variable asked_;
  bool asking_ = false;
};

std::string random_uuid();

}  // namespace labctl::machine
