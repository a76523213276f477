// A person or a script at a guest that is held: lines are commands for the guest's shell, lines that begin
// with a dot are for labctl. On a terminal also the guest's serial console. Everything here runs on the
// cell's thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/lab/run_cell.h"

namespace labctl::cli {

struct DebugSessionOptions {
  std::vector<std::string> lines;  // obeyed instead of standard input when there are any
  int gdb = 0;                     // a port, or none
  bool vnc = false;
  bool save_at_once = true;                        // what nobody has touched yet is the best to come back to
  std::function<std::chrono::nanoseconds()> took;  // until now
  std::optional<Millis> took_then;                 // in the run, until the same moment
};

class TerminalDebugSession final : public lab::DebugSession {
 public:
  TerminalDebugSession(DebugSessionOptions options, std::stop_token stop);

  void heard(std::string_view console) override;
  Choice take_over(const lab::Guest& guest) override;

  bool interactive() const { return terminal_; }
  bool held() const { return held_; }                 // whether the guest was ever handed over
  std::optional<bool> keep() const { return keep_; }  // what was said on leaving, if anything

 private:
  void begin(const lab::Guest& guest);
  std::optional<std::string> read_line(const lab::Guest& guest);
  std::optional<Choice> obey(const lab::Guest& guest, const std::string& line);
  // Null, and said, where the machine has no such interface.
  machine::Debuggable* debuggable_of(const lab::Guest& guest) const;
  void run(const lab::Guest& guest, const std::string& command);
  void put_shell_on_console(const lab::Guest& guest);
  void type(const lab::Guest& guest, const std::string& line);
  void console(const lab::Guest& guest);
  void save(const lab::Guest& guest);
  void dump(const lab::Guest& guest, const std::string& file);
  void gdb(const lab::Guest& guest, const std::string& port);
  void vnc(const lab::Guest& guest);
  Choice leave(std::optional<bool> keep);

  enum class Console { kept_quiet, told, passed };

  DebugSessionOptions options_;
  std::stop_token stop_;
  const bool scripted_;
  const bool terminal_;
  bool held_ = false, gdb_listens_ = false;
  std::optional<bool> keep_;
  std::string typed_;  // what has been read from standard input and is no whole line yet
  bool end_of_input_ = false;
  Console console_ = Console::kept_quiet;
  std::string console_line_;
};

}  // namespace labctl::cli
