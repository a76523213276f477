#include "labctl/cli/debug_session.h"

#include <fmt/core.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>

#include "labctl/base/files.h"
#include "labctl/base/text.h"
#include "labctl/cli/output.h"
#include "labctl/guest/debug.h"
#include "labctl/snapshot/shell.h"

namespace labctl::cli {
namespace {

using namespace std::chrono_literals;

constexpr int usual_gdb_port = 1234;
constexpr Millis shell_limit = std::chrono::hours(1);
constexpr char leave_console = 0x1d;  // Ctrl-]

constexpr const char* help =
    "Every line is a command for the guest's shell, run through its agent, each in a shell of its own.\n"
    "  .console     the serial console with a shell on it; Ctrl-] comes back\n"
    "  .type TEXT   types a line on the serial console, and shows a second of it\n"
    "  .go          the story goes on to its end; what the console says is shown\n"
    "  .next        only the next operation, then it is held again\n"
    "  .save        the guest as it is now is what the next 'labctl reproduce' begins with\n"
    "  .dump FILE   its memory, for crash\n"
    "  .gdb [PORT]  listens for gdb, and prints the commands to attach\n"
    "  .vnc         where its screen is (with --vnc)\n"
    "  .keep        leaves; the next 'labctl reproduce' of this cell begins here in a second\n"
    "  .discard     leaves; nothing is kept\n"
    "Ctrl-D leaves too.\n";

// Everything that is typed goes to the guest, Ctrl-C too.
class RawTerminal {
 public:
  RawTerminal() {
    termios raw{};
    if (::tcgetattr(0, &before_) != 0) return;
    raw = before_;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST | ONLCR;
    set_ = ::tcsetattr(0, TCSANOW, &raw) == 0;
  }
  RawTerminal(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (set_) ::tcsetattr(0, TCSANOW, &before_);
  }

 private:
  termios before_{};
  bool set_ = false;
};

bool input_waits(std::chrono::milliseconds patience) {
  pollfd input{0, POLLIN, 0};
  return ::poll(&input, 1, static_cast<int>(patience.count())) > 0;
}

std::string kernel_symbols(const std::string& release) {
  std::error_code ignored;
  for (const auto& file : guest::kernel_symbol_files(release))
    if (fs::exists(file, ignored)) return file;
  return {};
}

}  // namespace

TerminalDebugSession::TerminalDebugSession(DebugSessionOptions options, std::stop_token stop)
    : options_(std::move(options)),
      stop_(std::move(stop)),
      scripted_(!options_.lines.empty()),
      terminal_(!scripted_ && ::isatty(0) != 0) {}

void TerminalDebugSession::heard(std::string_view bytes) {
  if (console_ == Console::kept_quiet) return;
  if (console_ == Console::passed) {
    print_as_is(bytes);
    std::fflush(stdout);
    return;
  }
  console_line_ += bytes;
  for (auto end = console_line_.find('\n'); end != std::string::npos; end = console_line_.find('\n')) {
    print(fmt::format("console: {}\n", printable(trim(console_line_.substr(0, end)), 400)));
    console_line_.erase(0, end + 1);
  }
  if (console_line_.size() > 4096) console_line_.clear();
  std::fflush(stdout);
}

lab::DebugSession::Choice TerminalDebugSession::take_over(const lab::Guest& guest) {
  console_ = Console::kept_quiet;
  say(guest.over ? fmt::format("labctl: the story has ended: {}", printable(guest.where, 400))
                 : fmt::format("labctl: held before '{}'", guest.where));
  if (!held_ && !guest.over) begin(guest);
  while (auto line = read_line(guest))
    if (auto choice = obey(guest, *line)) return *choice;
  return leave(keep_);
}

void TerminalDebugSession::begin(const lab::Guest& guest) {
  held_ = true;
  if (options_.took)
    say(fmt::format(
        "labctl: after {}{}", show_duration(std::chrono::duration_cast<Millis>(options_.took())),
        options_.took_then ? fmt::format("; the run took {}", show_duration(*options_.took_then)) : ""));
  if (options_.save_at_once) save(guest);
  if (options_.gdb != 0) gdb(guest, std::to_string(options_.gdb));
  if (options_.vnc) vnc(guest);
  if (terminal_) say("labctl: every line is a command for the guest's shell; .help lists the others");
}

// Nothing: the end of what there is to be obeyed, or of the guest.
std::optional<std::string> TerminalDebugSession::read_line(const lab::Guest& guest) {
  if (scripted_) {
    if (options_.lines.empty() || !guest.pump()) return std::nullopt;
    std::string line = options_.lines.front();
    options_.lines.erase(options_.lines.begin());
    return line;
  }
  if (terminal_) std::fputs(guest.over ? "labctl (over)> " : "labctl> ", stderr);
  for (;;) {
    if (const auto end = typed_.find('\n'); end != std::string::npos) {
      std::string line = typed_.substr(0, end);
      typed_.erase(0, end + 1);
      return line;
    }
    if (end_of_input_) return typed_.empty() ? std::nullopt : std::optional(std::exchange(typed_, {}));
    if (!guest.pump()) {
      say("labctl: the guest has ended");
      return std::nullopt;
    }
    if (!input_waits(50ms)) continue;
    char block[4096];
    const ssize_t got = ::read(0, block, sizeof block);
    if (got > 0) typed_.append(block, static_cast<std::size_t>(got));
    if (got <= 0) end_of_input_ = true;
  }
}

machine::Debuggable* TerminalDebugSession::debuggable_of(const lab::Guest& guest) const {
  machine::Debuggable* debuggable = guest.machine.debuggable();
  if (debuggable == nullptr)
    report_error(Error{Fault::lab, "this kind of machine cannot be debugged", {}, {}});
  return debuggable;
}

std::optional<lab::DebugSession::Choice> TerminalDebugSession::obey(const lab::Guest& guest,
                                                                    const std::string& typed) {
  const std::string line{trim(typed)};
  if (line.empty()) return std::nullopt;
  if (line.front() != '.' || line.starts_with("./") || line.starts_with(". ")) {
    run(guest, line);
    return std::nullopt;
  }
  const auto space = line.find(' ');
  const std::string verb = line.substr(0, space);
  const std::string rest{space == std::string::npos ? std::string_view()
                                                    : trim(std::string_view(line).substr(space))};
  if (verb == ".keep" || verb == ".discard") return leave(verb == ".keep");
  if (verb == ".go" || verb == ".next") {
    if (guest.over) {
      say("labctl: the story is over");
      return std::nullopt;
    }
    console_ = Console::told;
    return verb == ".go" ? Choice::go_on : Choice::next;
  }
  if (verb == ".console")
    console(guest);
  else if (verb == ".type") {
    type(guest, rest);
  } else if (verb == ".save")
    save(guest);
  else if (verb == ".dump")
    dump(guest, rest);
  else if (verb == ".gdb")
    gdb(guest, rest);
  else if (verb == ".vnc")
    vnc(guest);
  else if (verb == ".help")
    say(help);
  else
    say(fmt::format("labctl: unknown command '{}'; .help lists the commands", printable(verb, 40)));
  return std::nullopt;
}

void TerminalDebugSession::run(const lab::Guest& guest, const std::string& command) {
  auto answer = snapshot::ask_shell(guest.machine, fmt::format("cd; PATH=$PATH:/usr/sbin:/sbin; {}", command),
                                    shell_limit, stop_, guest.pump);
  if (!answer) {
    report_error(answer.error());
    return;
  }
  print(visible(answer->output, 1u << 20));
  std::fflush(stdout);
  if (answer->exit_code != 0) say(fmt::format("labctl: it ended with {}", answer->exit_code));
}

// A guest that is dead has none, and its console can be looked at all the same.
void TerminalDebugSession::put_shell_on_console(const lab::Guest& guest) {
  static_cast<void>(
      snapshot::ask_shell(guest.machine, guest::console_shell().command, 5s, stop_, guest.pump));
}

void TerminalDebugSession::type(const lab::Guest& guest, const std::string& line) {
  machine::Debuggable* debuggable = debuggable_of(guest);
  if (debuggable == nullptr) return;
  put_shell_on_console(guest);
  console_ = Console::told;
  if (auto put = debuggable->type(line + "\n"); !put) report_error(put.error());
  const auto until = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < until && guest.pump()) std::this_thread::sleep_for(50ms);
  console_ = Console::kept_quiet;
}

void TerminalDebugSession::console(const lab::Guest& guest) {
  machine::Debuggable* debuggable = debuggable_of(guest);
  if (debuggable == nullptr) return;
  if (!terminal_) return say("labctl: the console needs a terminal; .type TEXT types a line on it");
  say("labctl: the serial console; Ctrl-] comes back");
  put_shell_on_console(guest);
  RawTerminal raw;
  console_ = Console::passed;
  if (!guest.over) static_cast<void>(debuggable->type("\n"));
  while (guest.pump()) {
    if (!input_waits(20ms)) continue;
    char block[512];
    const ssize_t got = ::read(0, block, sizeof block);
    if (got <= 0) break;
    const std::string_view bytes(block, static_cast<std::size_t>(got));
    const auto end = bytes.find(leave_console);
    if (end != 0)
      if (auto put = debuggable->type(bytes.substr(0, end)); !put)
        say(fmt::format("labctl: {}", put.error().what));
    if (end != std::string_view::npos) break;
  }
  console_ = Console::kept_quiet;
  say("");
}

void TerminalDebugSession::save(const lab::Guest& guest) {
  if (auto saved = guest.save(); !saved) report_error(saved.error());
}

void TerminalDebugSession::dump(const lab::Guest& guest, const std::string& file) {
  machine::Debuggable* debuggable = debuggable_of(guest);
  if (debuggable == nullptr) return;
  if (file.empty()) return say("labctl: .dump needs a file name");
  if (auto dumped = debuggable->dump(file); !dumped) {
    report_error(dumped.error());
    return;
  }
  std::error_code problem;
  say(fmt::format("labctl: {}, {}; crash opens it with the kernel's debug package", file,
                  show_size(fs::file_size(file, problem))));
}

void TerminalDebugSession::gdb(const lab::Guest& guest, const std::string& wanted) {
  machine::Debuggable* debuggable = debuggable_of(guest);
  if (debuggable == nullptr) return;
  int port = options_.gdb != 0 ? options_.gdb : usual_gdb_port;
  if (!wanted.empty() && std::from_chars(wanted.data(), wanted.data() + wanted.size(), port).ptr !=
                             wanted.data() + wanted.size())
    return say(fmt::format("labctl: '{}' is not a port number", printable(wanted, 40)));
  if (!gdb_listens_ || port != options_.gdb)
    if (auto listens = debuggable->listen_for_gdb(port); !listens) {
      report_error(listens.error());
      return;
    }
  gdb_listens_ = true;
  options_.gdb = port;
  const auto answer =
      snapshot::ask_shell(guest.machine, guest::loaded_addresses().command, 30s, stop_, guest.pump);
  const auto loaded = guest::read_loaded(answer ? answer->output : "");
  say(fmt::format("labctl: listening for gdb on 127.0.0.1:{}; in gdb, run:", port));
  print(guest::gdb_lines(loaded, kernel_symbols(loaded.release), port));
  std::fflush(stdout);
}

void TerminalDebugSession::vnc(const lab::Guest& guest) {
  machine::Debuggable* debuggable = debuggable_of(guest);
  if (debuggable == nullptr) return;
  auto screen = debuggable->vnc();
  if (!screen) {
    report_error(Error{Fault::input, screen.error().what, {}, "give --vnc"});
    return;
  }
  say(fmt::format("labctl: VNC: {} (open to every user of this host)", *screen));
}

lab::DebugSession::Choice TerminalDebugSession::leave(std::optional<bool> keep) {
  keep_ = keep;
  return Choice::leave;
}

}  // namespace labctl::cli
