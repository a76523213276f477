// Where everything about one machine arrives, on the event loop's thread, and leaves as Signs in one order.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>

#include "labctl/machine/libvirt/console.h"
#include "labctl/machine/libvirt/signs.h"

namespace labctl::machine {

class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  Inbox(Sink sink, std::filesystem::path log) : sink_(std::move(sink)), log_(std::move(log)) {}

  // Reads the console from now on, and keeps it until close().
  Status watch_console(std::unique_ptr<Console> console);

  void monitor(const char* event, const char* details, std::chrono::microseconds when);
  void lifecycle(int event, int detail);
  void agent(bool up);
  void connection_lost(const std::string& why);

  Status type(std::string_view bytes);

  void end_wanted();
  void pause_wanted(bool wanted);
  void debugged();
  void count_pauses();
  Millis paused() const;
  bool over() const;

  // After it returns the sink is not called any more.
  void silence();

  // Lets the console go. Only when the guest has ended.
  void close();

 private:
  static void on_late_end(int timer, void* opaque);
  void read_console();  // everything that is there, without waiting
  void stop_reading(const std::string& why);
  void give(std::optional<Notification> sign);

  mutable std::mutex mutex_;  // held while the sink runs: that is what silence() waits for
  Sink sink_;
  std::filesystem::path log_;
  Interpreter interpreter_;
  std::unique_ptr<Console> console_;
  bool reading_ = false;
  std::string end_of_console_;
};

// What QEMU itself said last in libvirt's log of it, for error texts; empty when it said nothing.
std::string last_words(const std::filesystem::path& log);

}  // namespace labctl::machine
