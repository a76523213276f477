// Programs run to their end: own process group, stdin from /dev/null, every other descriptor closed, always
// reaped. The only file that may use Boost.Process. Not for programs that stay; guests belong to libvirt.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "labctl/base/result.h"

namespace labctl {

struct Command {
  std::vector<std::string> argv;                        // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment = {};  // added to ours
  std::filesystem::path directory = {};                 // empty: ours
  std::chrono::milliseconds deadline = std::chrono::hours(1);
  std::function<void(std::string_view line)> on_line =
      {};  // stdout and stderr, one line at a time, as it comes
  std::stop_token stop = {};
};

struct Ended {
  int exit_code = -1;  // 128 + signal when it was killed, as a shell says it
  bool timed_out = false;
  std::string output;  // stdout and stderr together, the last 256 KiB
  bool ok() const { return exit_code == 0 && !timed_out; }
};

// Errors only when the program could not be started or the stop token was raised (Fault::interrupted).
Result<Ended> run(const Command& command);

// run() and "must have exited with 0": the error carries the command and the last lines of its output.
Result<std::string> run_ok(const Command& command);

// Where a program is in PATH (also /usr/sbin and /sbin, which users' PATHs lack); empty when it is not.
std::filesystem::path find_program(const std::string& name);

}  // namespace labctl
