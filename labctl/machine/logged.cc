#include "labctl/machine/logged.h"

#include <fmt/core.h>

#include <type_traits>

#include "labctl/base/json.h"
#include "labctl/base/log.h"
#include "labctl/base/text.h"
#include "labctl/machine/restore.h"

namespace labctl::machine {
namespace {

const char* name_of(From from) {
  switch (from) {
    case From::power_on:
      return "power-on";
    case From::snapshot:
      return "its snapshot";
    case From::before:
      return "its checkpoint";
  }
  return "?";
}

// Empty: nothing to be written.
struct Describe {
  std::string operator()(const ConsoleBytes&) const { return {}; }
  std::string operator()(const ConsoleEnded& sign) const {
    return fmt::format("its console ended: {}", sign.why);
  }
  std::string operator()(const GuestReset& sign) const {
    return sign.by_guest ? "it reset itself" : "it was reset";
  }
  std::string operator()(const GuestStopped& sign) const {
    return fmt::format("it stopped: {}", sign.reason);
  }
  std::string operator()(const GuestPanicked& sign) const {
    return fmt::format("it panicked {}", sign.details);
  }
  std::string operator()(const GuestSuspended&) const { return "it suspended itself to RAM"; }
  std::string operator()(const GuestWoken&) const { return "it woke up"; }
  std::string operator()(const AgentLink& sign) const {
    return sign.up ? "its agent is up" : "its agent is down";
  }
  std::string operator()(const Lost& sign) const { return fmt::format("it was lost: {}", sign.why); }
};

// What a question is for, short. Answers are the guest's and are left out.
std::string question(const Json& command) {
  const std::string verb = text_at(command, "execute");
  const auto arguments = command.find("arguments");
  if (verb != "guest-exec" || arguments == command.end()) return verb;
  const auto words = arguments->find("arg");
  if (words == arguments->end() || !words->is_array() || words->empty() || !words->back().is_string())
    return verb;
  return verb + " '" + printable(words->back().get<std::string>(), 80) + "'";
}

class LoggedMachine final : public Machine,
                            public Diagnosable,
                            public Checkpointable,
                            public Debuggable,
                            public Suspendable,
                            public Restorable {
 public:
  LoggedMachine(std::unique_ptr<Machine> machine, const std::string& name)
      : machine_(std::move(machine)), prefix_(fmt::format("guest {}: ", name)) {}

  Status start(From from) override {
    return request(fmt::format("start from {}", name_of(from)), [&] { return machine_->start(from); });
  }
  Result<Json> ask(const Json& command, Millis patience) override {
    return request(fmt::format("ask its agent {}", question(command)),
                   [&] { return machine_->ask(command, patience); });
  }
  Status insert_cd(const std::filesystem::path& iso) override {
    return request(fmt::format("insert the CD {}", iso.string()), [&] { return machine_->insert_cd(iso); });
  }
  Status power_cut() override {
    return request("cut its power", [&] { return machine_->power_cut(); });
  }
  Status resume() override {
    return request("let it run", [&] { return machine_->resume(); });
  }
  void end() override {
    static_cast<void>(request("end it", [&] {
      machine_->end();
      return Status();
    }));
  }
  Status restore(From from) override {
    return request(fmt::format("put it back to {}", name_of(from)),
                   [&] { return machine::restore(*machine_, from); });
  }
  Diagnosable* diagnosable() override { return machine_->diagnosable() != nullptr ? this : nullptr; }
  Checkpointable* checkpointable() override { return machine_->checkpointable() != nullptr ? this : nullptr; }
  Debuggable* debuggable() override { return machine_->debuggable() != nullptr ? this : nullptr; }

  Suspendable* suspendable() override { return machine_->suspendable() != nullptr ? this : nullptr; }

  Status wake() override {
    return request("wake it", [&] { return machine_->suspendable()->wake(); });
  }
  Status inject_nmi() override {
    return request("inject an NMI", [&] { return machine_->diagnosable()->inject_nmi(); });
  }
  Status screenshot(const std::filesystem::path& png) override {
    return request("take its screen", [&] { return machine_->diagnosable()->screenshot(png); });
  }
  Millis cpu_wait() const override { return machine_->diagnosable()->cpu_wait(); }
  std::string definition() const override { return machine_->diagnosable()->definition(); }
  Status save(From as) override {
    return request(fmt::format("save it as {}", name_of(as)),
                   [&] { return machine_->checkpointable()->save(as); });
  }
  Status type(std::string_view bytes) override { return machine_->debuggable()->type(bytes); }
  Status dump(const std::filesystem::path& file) override {
    return request("dump its memory", [&] { return machine_->debuggable()->dump(file); });
  }
  Status listen_for_gdb(int port) override {
    return request("listen for a debugger", [&] { return machine_->debuggable()->listen_for_gdb(port); });
  }
  Result<std::string> vnc() const override { return machine_->debuggable()->vnc(); }

 private:
  template <class Call>
  std::invoke_result_t<Call> request(const std::string& what, Call&& call) {
    return log::request(prefix_ + what, std::forward<Call>(call));
  }

  std::unique_ptr<Machine> machine_;
  std::string prefix_;
};

class LoggedHost final : public Host {
 public:
  explicit LoggedHost(std::unique_ptr<Host> host) : host_(std::move(host)) {}
  const HostFacts& facts() const override { return host_->facts(); }
  Result<std::unique_ptr<Machine>> create(const Spec& spec, Sink sink) override {
    Sink both = [sink = std::move(sink), name = spec.name](Notification sign) {
      if (const std::string text = std::visit(Describe{}, sign); !text.empty())
        log::debug("guest {}: sign: {}", name, text);
      sink(std::move(sign));
    };
    auto machine = log::request(fmt::format("guest {}: define as {}", spec.name, slug_of(spec.shape)),
                                [&] { return host_->create(spec, std::move(both)); });
    if (!machine) return machine;
    return std::unique_ptr<Machine>(new LoggedMachine(std::move(*machine), spec.name));
  }

 private:
  std::unique_ptr<Host> host_;
};

}  // namespace

std::unique_ptr<Host> logged(std::unique_ptr<Host> host) {
  return std::make_unique<LoggedHost>(std::move(host));
}

}  // namespace labctl::machine
