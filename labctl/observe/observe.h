// Outward signs -> events. Translators and one watcher; what an event means is decided in cell/, never here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/json_fwd.h"
#include "labctl/base/result.h"
#include "labctl/crash/crash.h"
#include "labctl/event/event.h"
#include "labctl/machine/machine.h"

namespace labctl::observe {

// The serial console: raw bytes to disk, findings and kernel starts out. Not thread-safe; one cell's thread
// owns it.
class Console {
 public:
  // At most `limit` bytes are kept on disk; what comes after is still scanned.
  static Result<Console> open(const std::filesystem::path& log,
                              const std::vector<crash::Signature>& signatures = {},
                              crash::Os os = crash::Os::linux_, std::uint64_t limit = 256ull << 20);

  std::vector<event::What> feed(std::string_view bytes);

  // Tells when `text` is said from now on, once.
  void listen(const std::string& text);

  // Tells a report whose end never came once the console has been silent for a moment.
  std::vector<event::What> idle();
  std::vector<event::What> finish();

  std::string last_line() const { return scanner_.last_line(); }

 private:
  Console(Appender log, const std::vector<crash::Signature>& signatures, crash::Os os, std::uint64_t limit)
      : log_(std::move(log)), left_(limit), scanner_(os, signatures) {}
  std::vector<event::What> events_of(std::vector<crash::Finding> findings);
  void find_texts(std::string_view bytes, std::vector<event::What>& events);

  // One text that is listened for, and the end of what was said so far: chunks may cut it anywhere.
  struct Ear {
    std::string text, tail;
  };

  Appender log_;
  std::uint64_t left_;
  bool broken_ = false;
  crash::Scanner scanner_;
  std::uint64_t kernel_starts_ = 0;
  std::vector<Ear> ears_;
  std::chrono::steady_clock::time_point last_bytes_{};
};

// What the hypervisor reports, besides the console.
std::vector<event::What> translate(const machine::Notification& sign);

// The kernel's own log, read through the agent: a driver can mute the console, but hardly both.
std::vector<event::What> scan_kernel_log(crash::Os os, std::string_view log,
                                         const std::vector<crash::Signature>& signatures = {});

// The same log of one cell, read again and again: what was found, programs that crashed, and errors, each
// different one once in the life of the cell.
class KernelLog {
 public:
  std::vector<event::What> read(std::string_view raw_log, crash::Os os,
                                const std::vector<crash::Signature>& signatures = {});

 private:
  std::set<std::string> told_;
};

// What Windows has written down of its crashes: its event log, and that there are dumps.
std::vector<event::What> read_system_log(std::string_view log);

// The dumps that a guest hands out, as guest::Windows asks for them. Each becomes a file in `folder`, which
// is made, and a finding.
std::vector<event::What> keep_dumps(std::string_view answer, const std::filesystem::path& folder);

// What a picture of the screen shows, if it is one that a living guest does not have.
std::vector<event::What> read_screen(const std::filesystem::path& picture);

// Of a command's output, what is looked at at all: a kernel's log may be long. A `full_output` of one byte
// more was cut, and what was cut away may have been the crash.
inline constexpr std::size_t longest_output = 4u << 20;

// What a guest-exec-status that says "exited" gives of the command; its whole output is added to `full`.
event::Answer read_status(const std::string& name, const Json& status, std::string& full);

// Puts questions to the guest agent and pings it in between; any answer is a heartbeat. Questions run side by
// side in the guest, so one that hangs does not stop the heart. One thread; `emit` is called on it.
class Agent {
 public:
  using Emit = std::function<void(event::What, std::string full_output)>;
  // `shell`: the guest's program that runs a command, and its arguments; the command becomes the last one.
  Agent(machine::Machine& machine, std::vector<std::string> shell, Emit emit);
  ~Agent();  // the machine must have been ended before, or a hanging guest delays this by one agent timeout

  // Asked again and again while the agent is away; given up only when the guest says an error or the cell
  // ends.
  void ask(std::string name, std::string command, bool report_begin = false);

  // The guest is being cut off: nothing that was asked so far has an answer any more, and what runs in it has
  // no number that would mean anything after its next boot.
  void forget();

 private:
  struct Running {
    std::string name;
    long long pid = 0;
    std::chrono::steady_clock::time_point next{};
    std::chrono::milliseconds pause{20};
  };
  struct Waiting {
    std::string name, command;
    bool report_begin = false;
    std::chrono::steady_clock::time_point next{};
  };

  void live(const std::stop_token& stop);
  void start_waiting();
  void poll_running();
  void ping();
  void beat();

  machine::Machine& machine_;
  std::vector<std::string> shell_;
  Emit emit_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Waiting> waiting_;
  bool forget_running_ = false;  // with the mutex
  std::vector<Running> running_;
  std::chrono::steady_clock::time_point next_ping_{};
  std::jthread thread_;
};

}  // namespace labctl::observe
