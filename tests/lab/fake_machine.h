// A guest made of plain code, for tests of the hands without a hypervisor: it answers the agent's commands,
// reboots when it is told to and dies as its script says. Only what labctl can see from outside is imitated.
#pragma once

#include <atomic>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "labctl/base/digest.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/machine/machine.h"

namespace labctl::test {

using namespace std::chrono_literals;

// What makes one fake guest differ from a healthy one.
struct Script {
  // Called before every boot's agent comes up (1 for the first reboot); may send signs.
  std::function<void(int boot, const machine::Sink& sink)> at_boot = [](int, const machine::Sink&) {};
  // Called for every command given to the guest's shell; may send signs and may answer in the guest's place.
  std::function<std::optional<std::pair<int, std::string>>(const std::string& command, int boot,
                                                           const machine::Sink& sink)>
      on_command = [](const std::string&, int, const machine::Sink&) { return std::nullopt; };
  std::map<std::string, std::string> payload;  // file -> sha256 as the guest sees them
  Status start_result = {};
  std::function<void(const machine::Sink& sink)> at_start = [](const machine::Sink&) {};
  bool agent = true;    // whether the agent ever answers
  int first_boot = 0;   // of a machine that was switched on again
  bool placed = false;  // it goes on behind the delivery of the content
  bool full = false;    // the host's disk, when memory is dumped
  Millis ping{0};       // how long its agent takes to answer one
  std::string definition = "<fake/>";
};

class FakeMachine final : public machine::Machine,
                          public machine::Diagnosable,
                          public machine::Checkpointable,
                          public machine::Debuggable,
                          public machine::Suspendable {
 public:
  FakeMachine(Script script, machine::Sink sink)
      : script_(std::move(script)),
        sink_(std::move(sink)),
        agent_(script_.agent),
        boot_(script_.first_boot) {}
  ~FakeMachine() override { end(); }

  Status start(machine::From) override {
    alive_ = true;
    script_.at_start(sink_);
    return script_.start_result;
  }

  Result<Json> ask(const Json& command, Millis) override {
    if (!alive_ || !agent_) return lab_error("the agent is not connected");
    const std::string verb = text_at(command, "execute");
    if (verb == "guest-ping") {
      std::this_thread::sleep_for(script_.ping);
      return Json::object();
    }
    if (verb == "guest-exec") return exec(command["arguments"]["arg"][1].get<std::string>());
    if (verb == "guest-exec-status") return status(number_at(command["arguments"], "pid"));
    return lab_error("unknown agent command " + verb);
  }

  Status insert_cd(const std::filesystem::path&) override { return {}; }
  Status power_cut() override {
    reboot();
    return {};
  }
  Status inject_nmi() override {
    sink_(machine::ConsoleBytes{"[    2.000000] Kernel panic - not syncing: NMI: Not continuing\n"});
    sink_(machine::GuestPanicked{});
    return {};
  }
  Status resume() override { return {}; }
  Status screenshot(const std::filesystem::path& png) override {
    std::ofstream(png) << "picture";
    return {};
  }
  Millis cpu_wait() const override { return Millis(0); }
  void end() override {
    alive_ = false;
    std::lock_guard lock(mutex_);
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
  }
  std::string definition() const override { return script_.definition; }
  Status save(machine::From) override {
    ++saved;
    return {};
  }
  Status type(std::string_view) override { return {}; }
  Status dump(const std::filesystem::path& file) override {
    std::ofstream(file) << "KDUMP   ";
    return script_.full ? lab_error("cannot dump the memory: No space left on device") : Status();
  }
  Status listen_for_gdb(int) override { return {}; }
  Result<std::string> vnc() const override { return lab_error("no screen"); }
  machine::Diagnosable* diagnosable() override { return this; }
  machine::Checkpointable* checkpointable() override { return this; }
  machine::Debuggable* debuggable() override { return this; }
  machine::Suspendable* suspendable() override { return this; }
  Status wake() override {
    ++woken;
    sink_(machine::GuestWoken{});
    agent_ = true;
    return {};
  }

  static inline std::atomic<int> saved = 0, woken = 0;

 private:
  Result<Json> exec(const std::string& command) {
    std::lock_guard lock(mutex_);
    if (command == "shutdown -r now") {
      threads_.emplace_back([this] { reboot(); });
      return Json{{"pid", ++pid_}};
    }
    if (command == "shutdown -P now") {
      threads_.emplace_back([this] {
        agent_ = false;
        sink_(machine::ConsoleBytes{"[   10.000000] reboot: Power down\r\n"});
        sink_(machine::GuestStopped{true, "guest-shutdown"});
      });
      return Json{{"pid", ++pid_}};
    }
    if (command.find("echo mem >/sys/power/state") != std::string::npos) {
      agent_ = false;
      sink_(machine::GuestSuspended{});
    }
    if (command.find("echo freeze") != std::string::npos) agent_ = false;
    auto answer = script_.on_command(command, boot_, sink_);
    if (!answer) answer = healthy(command);
    answers_[++pid_] = *answer;
    return Json{{"pid", pid_}};
  }

  Result<Json> status(long long pid) {
    std::lock_guard lock(mutex_);
    auto answer = answers_.find(pid);
    if (answer == answers_.end()) return input_error("no such pid");
    Json reply{{"exited", true},
               {"exitcode", answer->second.first},
               {"out-data", base64_encode(answer->second.second)}};
    answers_.erase(answer);
    return reply;
  }

  std::string boot_id() const { return "00000000-0000-4000-8000-00000000000" + std::to_string(boot_); }

  std::pair<int, std::string> healthy(const std::string& command) {
    std::string out;
    auto has = [&](const char* text) { return command.find(text) != std::string::npos; };
    if (has("cp \"$file\" \"$path\"")) placed_ = true;
    const std::string content =
        placed_ && script_.payload.count("content.bin") != 0 ? script_.payload.at("content.bin") : "";
    if (has("sensorctl digest")) out += content + "\n";
    if (has("mount -o ro"))
      for (const auto& [file, digest] : script_.payload) out += file + "=" + digest + "\n";
    if (has("kernels=%s")) out += "kernels=\n";
    if (has("echo system=")) out += "system=running\n";
    if (has("boot_id=")) out += "boot_id=" + boot_id() + "\n";
    if (has("taint=")) out += "taint=12288\nkernel=6.1.0-fake\n";
    if (has("/dev/kmsg")) {
      const std::string text = command.substr(command.find("text='") + 6, 24);
      sink_(machine::ConsoleBytes{"[    9.000000] labctl: " + text + "\r\n"});
      out += "console_level=7\nseverity=6\ndevkmsg=on\nlogged=yes\n";
    }
    if (has("file=''") && has("echo state=") && !has("package=")) {  // nothing is delivered yet
      out += "state=absent\n";
    } else if (has("echo state=")) {
      auto driver = script_.payload.begin();
      out += "state=live\nversion=1\nbuild_id=aa\nfresh=yes\n";
      for (; driver != script_.payload.end(); ++driver)
        if (driver->first.rfind("driver", 0) == 0) out += "file_sha256=" + driver->second + "\n";
    }
    if (has("echo content_sha256=")) out += "content_sha256=" + content + "\n";
    if (command.starts_with("dmesg")) out = "[    1.000000] all is well\n";
    return {0, out};
  }

  void reboot() {
    agent_ = false;
    sink_(machine::AgentLink{false});
    sink_(machine::ConsoleBytes{"[   10.000000] reboot: Restarting system\r\n"});
    for (int i = 0; i < 3; ++i) sink_(machine::GuestReset{true});
    std::this_thread::sleep_for(5ms);
    sink_(machine::ConsoleBytes{"[    0.000000] Linux version 6.1.0-fake\n"});
    ++boot_;
    script_.at_boot(boot_, sink_);
    std::this_thread::sleep_for(5ms);
    agent_ = true;
    sink_(machine::AgentLink{true});
  }

  Script script_;
  machine::Sink sink_;
  std::mutex mutex_;
  std::atomic<bool> alive_ = false, agent_;
  std::atomic<int> boot_ = 0;
  // The content's file, by a life before this one or in it.
  bool placed_ = script_.placed || boot_ > 0;
  long long pid_ = 100;
  std::map<long long, std::pair<int, std::string>> answers_;
  std::vector<std::jthread> threads_;
};

class FakeHost final : public machine::Host {
 public:
  std::map<std::string, Script> scripts;  // by machine name; others are healthy
  std::function<Script(const machine::Spec&)> script_for = [this](const machine::Spec& spec) {
    return scripts[spec.name];
  };
  std::atomic<int> created = 0;

  const machine::HostFacts& facts() const override { return facts_; }
  Result<std::unique_ptr<machine::Machine>> create(const machine::Spec& spec, machine::Sink sink) override {
    Script script = script_for(spec);
    {
      std::lock_guard lock(mutex_);
      script.first_boot += 4 * lives_[spec.name]++;
    }
    ++created;
    return std::unique_ptr<machine::Machine>(new FakeMachine(std::move(script), std::move(sink)));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> lives_;  // by machine name: how often it was made
  machine::HostFacts facts_{
      .hypervisor = "fake", .architecture = "x86_64", .fingerprint = std::string(64, 'f')};
};

}  // namespace labctl::test
