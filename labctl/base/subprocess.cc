#include "labctl/base/subprocess.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/posix.hpp>
#include <cerrno>
#include <cstring>

#include "labctl/base/files.h"
#include "labctl/base/text.h"

namespace labctl {
namespace {

namespace bp = boost::process;
using Clock = std::chrono::steady_clock;
constexpr std::size_t kept_output = 256u << 10;

// Cuts a byte stream into lines for on_line and keeps the tail for the error text.
class Output {
 public:
  explicit Output(const Command& command) : command_(command) {}

  void add(std::string_view bytes) {
    kept_ += bytes;
    if (kept_.size() > 2 * kept_output) kept_.erase(0, kept_.size() - kept_output);
    if (!command_.on_line) return;
    for (char c : bytes) {
      if (c == '\n' || c == '\r' || line_.size() >= 8192) end_line();
      if (c != '\n' && c != '\r') line_ += c;
    }
  }

  std::string finish() {
    if (command_.on_line) end_line();
    if (kept_.size() > kept_output) kept_.erase(0, kept_.size() - kept_output);
    return std::move(kept_);
  }

 private:
  void end_line() {
    if (!line_.empty()) command_.on_line(line_);
    line_.clear();
  }

  const Command& command_;
  std::string kept_, line_;
};

// Reads what is there within `patience`; false at the end of the stream.
bool read_some(int fd, Output& output, std::chrono::milliseconds patience) {
  pollfd waiting{fd, POLLIN, 0};
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return true;
  char block[1 << 16];
  ssize_t got = ::read(fd, block, sizeof block);
  if (got > 0) output.add({block, static_cast<std::size_t>(got)});
  return got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN));
}

int status_as_shell(int native) {
  if (WIFEXITED(native)) return WEXITSTATUS(native);
  return 128 + (WIFSIGNALED(native) ? WTERMSIG(native) : 0);
}

void end_group(bp::child& child, bp::group& group, int signal_number) {
  if (child.id() > 0) ::kill(-group.native_handle(), signal_number);
}

// Reads what it writes until it ends, and ends it when its time is over or somebody stops us (the result).
bool follow(bp::child& child, bp::group& group, const Fd& pipe, Output& output, const Command& command,
            bool& timed_out) {
  std::error_code problem;
  const auto deadline = Clock::now() + command.deadline;
  auto patience_ends = Clock::time_point::max();  // with a program that was asked to end
  bool stopped = false;
  bool open = true;
  while (child.running(problem)) {
    constexpr auto tick = std::chrono::milliseconds(50);
    if (open)
      open = read_some(pipe.get(), output, tick);
    else
      ::poll(nullptr, 0, 5);
    if (!stopped && !timed_out && (command.stop.stop_requested() || Clock::now() > deadline)) {
      (command.stop.stop_requested() ? stopped : timed_out) = true;
      end_group(child, group, SIGTERM);
      patience_ends = Clock::now() + std::chrono::seconds(5);
    } else if (Clock::now() > patience_ends) {
      end_group(child, group, SIGKILL);
    }
  }
  if (stopped || timed_out) end_group(child, group, SIGKILL);  // and whoever of its children stayed
  // What the program wrote before it ended; a grandchild that holds the pipe open may not hold us.
  const auto drained = Clock::now() + std::chrono::milliseconds(500);
  while (open && Clock::now() < drained) open = read_some(pipe.get(), output, std::chrono::milliseconds(50));
  return stopped;
}

}  // namespace

Result<Ended> run(const Command& command) {
  std::filesystem::path program = find_program(command.argv.at(0));
  if (program.empty())
    return lab_error(fmt::format("the program '{}' is not installed", command.argv[0]), {},
                     "labctl doctor says what to install");

  bp::environment environment = boost::this_process::environment();
  for (const auto& [name, value] : command.environment) environment[name] = value;
  std::vector<std::string> arguments(command.argv.begin() + 1, command.argv.end());
  bp::group group;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return lab_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  Fd ours(ends[0]), theirs(ends[1]);
  std::error_code problem;
  std::string directory = command.directory.empty() ? "." : command.directory.string();
  // Boost.Process would start it in our own directory instead.
  if (std::error_code ignored; !std::filesystem::is_directory(directory, ignored))
    return lab_error(fmt::format("cannot start {}: there is no such directory", command.argv[0]), directory);
  // Boost.Process leaks every descriptor that is not CLOEXEC into the child, and its limit_handles closes the
  // child's stdout together with them (1.81). So the child marks all but the standard three itself before it
  // becomes the program.
  auto keep_only_standard = [](auto&) { ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC); };
  bp::child child(program.string(), bp::args(arguments), bp::std_in < bp::null,
                  bp::posix::fd.bind(1, theirs.get()), bp::posix::fd.bind(2, theirs.get()), environment,
                  bp::start_dir(directory), group, bp::extend::on_exec_setup = keep_only_standard, problem);
  if (problem) return lab_error(fmt::format("cannot start {}: {}", command.argv[0], problem.message()));
  theirs.reset();

  Output output(command);
  Ended ended;
  const bool stopped = follow(child, group, ours, output, command, ended.timed_out);
  ended.exit_code = status_as_shell(child.native_exit_code());
  ended.output = output.finish();
  if (stopped) return fail({Fault::interrupted, fmt::format("{} was interrupted", command.argv[0]), {}, {}});
  return ended;
}

Result<std::string> run_ok(const Command& command) {
  auto ended = run(command);
  if (!ended) return fail(ended.error());
  if (ended->ok()) return std::move(ended->output);
  std::string tail =
      ended->output.size() > 1500 ? "..." + ended->output.substr(ended->output.size() - 1500) : ended->output;
  std::string how =
      ended->timed_out ? "did not end in time" : fmt::format("ended with status {}", ended->exit_code);
  return lab_error(command.argv[0] + " " + how + (trim(tail).empty() ? "" : ":\n" + std::string(trim(tail))));
}

std::filesystem::path find_program(const std::string& name) {
  const auto is_program = [](const std::filesystem::path& path) {
    std::error_code ignored;
    return ::access(path.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(path, ignored);
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const char* path = ::getenv("PATH");
  for (const auto& directory : split(std::string(path ? path : "/usr/bin:/bin") + ":/usr/sbin:/sbin", ':')) {
    auto candidate = std::filesystem::path(directory.empty() ? "." : directory) / name;
    if (is_program(candidate)) return candidate;
  }
  return {};
}

}  // namespace labctl
