#include "labctl/snapshot/first_boot.h"

#include <fmt/core.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/crash/crash.h"
#include "labctl/snapshot/os.h"
#include "labctl/snapshot/shell.h"

namespace labctl::snapshot {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kept_tail = 4096, quoted_lines = 8;

Millis since(Clock::time_point start) { return std::chrono::duration_cast<Millis>(Clock::now() - start); }

}  // namespace

// What the guest shows, kept so that a boot that fails can be read. Written by the hypervisor's thread.
class FirstBoot::Console {
 public:
  Console(const fs::path& log, crash::Os os) : log_(Appender::open(log)), scanner_(os) {}

  void on_notification(const machine::Notification& sign) {
    std::lock_guard lock(mutex_);
    if (const auto* console = std::get_if<machine::ConsoleBytes>(&sign)) {
      if (log_ && !log_->write(console->bytes)) log_ = lab_error("cannot be written");
      auto found = scanner_.feed(console->bytes);
      findings_.insert(findings_.end(), found.begin(), found.end());
      tail_ += console->bytes;
      if (tail_.size() > 2 * kept_tail) tail_.erase(0, tail_.size() - kept_tail);
      last_output_ = Clock::now();
    }
    if (const auto* lost = std::get_if<machine::Lost>(&sign)) problem_ = lost->why;
    if (std::holds_alternative<machine::GuestPanicked>(sign)) problem_ = "its kernel panicked";
    if (std::holds_alternative<machine::GuestStopped>(sign)) stopped_ = true;
  }

  std::string problem() {
    std::lock_guard lock(mutex_);
    if (scanner_.pending() && since(last_output_) > 100ms) {
      auto found = scanner_.flush();
      findings_.insert(findings_.end(), found.begin(), found.end());
    }
    for (const auto& finding : findings_)
      if (finding.suppressed.empty()) return fmt::format("its console shows: {}", printable(finding.title));
    return problem_;
  }

  bool kernel_spoke() const {
    std::lock_guard lock(mutex_);
    return scanner_.kernel_starts() > 0;
  }

  bool stopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
  }

  Millis quiet() const {
    std::lock_guard lock(mutex_);
    return since(last_output_);
  }

  bool shows(const std::string& text) const {
    std::lock_guard lock(mutex_);
    return tail_.find(text) != std::string::npos;
  }

  std::string last_line() const {
    std::lock_guard lock(mutex_);
    return scanner_.last_line();
  }

  std::vector<std::string> last_lines(std::size_t count) const {
    std::lock_guard lock(mutex_);
    std::vector<std::string> lines;
    for (const auto& line : split(tail_, '\n'))
      if (auto text = printable(trim(line), 200); !text.empty()) lines.push_back(std::move(text));
    if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    return lines;
  }

 private:
  mutable std::mutex mutex_;
  Result<Appender> log_;
  crash::Scanner scanner_;
  std::vector<crash::Finding> findings_;
  std::string problem_, tail_;
  bool stopped_ = false;
  Clock::time_point last_output_ = Clock::now();
};

FirstBoot::FirstBoot(fs::path log, image::Progress progress, std::stop_token stop, Patience patience,
                     scenario::Os os)
    : console_(std::make_unique<Console>(log, os)),
      progress_(std::move(progress)),
      stop_(std::move(stop)),
      patience_(patience),
      os_(os) {}

FirstBoot::~FirstBoot() = default;

tl::unexpected<Error> FirstBoot::failed(const std::string& what, const std::string& hint) const {
  const auto lines = console_->last_lines(quoted_lines);
  return lab_error(
      what + (lines.empty() ? "; its console has printed nothing"
                            : fmt::format("; the console's last lines:\n  | {}", join(lines, "\n  | "))),
      {}, hint);
}

Result<Millis> FirstBoot::boot(machine::Host& host, const machine::Spec& spec) {
  auto created =
      host.create(spec, [console = console_.get()](const auto& sign) { console->on_notification(sign); });
  if (!created) return fail(created.error());
  machine_ = std::move(*created);
  if (auto started = machine_->start(machine::From::power_on); !started) return fail(started.error());
  const auto began = Clock::now();
  auto said = began;
  for (;;) {
    // Asking takes as long as the rest of a quick boot.
    const bool answers = machine_->ask({{"execute", "guest-ping"}}, 5s).has_value();
    const Millis waited = since(began), cpu_wait = machine::cpu_wait(*machine_);
    if (answers) return std::max(Millis(1), waited - cpu_wait);
    if (stop_.stop_requested()) return interrupted();
    if (auto problem = console_->problem(); !problem.empty())
      return failed(fmt::format("it does not boot: {}", problem));
    if (console_->stopped()) return failed("it does not boot: it powered itself off");
    const Millis quiet = console_->quiet() - cpu_wait;
    if (quiet > patience_.quiet || waited - cpu_wait > patience_.boot)
      return failed(fmt::format("its agent did not answer in {}", show_duration(waited)));
    if (Clock::now() - said > 10s) {
      said = Clock::now();
      const std::string last = printable(trim(console_->last_line()), 100);
      progress_(
          fmt::format("booting, {}{}", show_duration(waited),
                      last.empty() ? ", nothing on its console yet" : fmt::format(", console: {}", last)));
    }
    std::this_thread::sleep_for(250ms);
  }
}

Status FirstBoot::settle() {
  const auto& os = guest::system_of(os_);
  auto settled = ask(os.settle().command, patience_.settle);
  if (!settled) return fail(settled.error());
  for (int quiet = 0; quiet < 6 && !stop_.stop_requested(); ++quiet) std::this_thread::sleep_for(500ms);
  if (auto problem = console_->problem(); !problem.empty())
    return failed(fmt::format("it is not healthy: {}", problem));
  const auto facts = guest::read_facts(*settled);
  const auto system = facts.find("system"), units = facts.find("failed");
  if (system != facts.end() && system->second == "running") return {};
  const std::string state = printable(system == facts.end() ? trim(*settled) : system->second, 60);
  return failed(fmt::format("it is not healthy: {} reports '{}'{}", os.overseer(), state,
                            units == facts.end() ? "" : ": " + printable(units->second, 200)));
}

Status FirstBoot::prove_drive() {
  const auto& os = guest::system_of(os_);
  // Asked in short pieces: how long a guest gets is measured in the CPU time that the host gave it.
  const auto began = Clock::now();
  const Millis waited_before = machine::cpu_wait(*machine_);
  for (;;) {
    auto there = ask_shell(*machine_, os.cd_drive(2s).command, patience_.settle, stop_, {}, os_);
    if (!there) return fail(there.error());
    if (there->exit_code == 0) return {};
    if (stop_.stop_requested()) return interrupted();
    if (since(began) - (machine::cpu_wait(*machine_) - waited_before) > patience_.settle / 5)
      return failed("it has no CD drive, by which candidates are delivered", os.traits().drive_hint);
    std::this_thread::sleep_for(100ms);
  }
}

Status FirstBoot::prove_console() {
  const auto& os = guest::system_of(os_);
  if (os.console_check("x", {}).command.empty()) {  // what it says when it starts is all that can be seen
    if (console_->kernel_spoke()) return {};
    return failed("its agent answers, but its kernel did not appear on the serial port",
                  os.traits().console_hint);
  }
  const std::string word = fmt::format("labctl: console check {}", Clock::now().time_since_epoch().count());
  if (auto written = ask(fmt::format("echo '<5>{}' >/dev/kmsg", word), patience_.settle); !written)
    return fail(written.error());
  for (const auto began = Clock::now(); since(began) - machine::cpu_wait(*machine_) < patience_.word;) {
    if (console_->shows(word)) return {};
    if (stop_.stop_requested()) return interrupted();
    std::this_thread::sleep_for(100ms);
  }
  return failed("its agent answers, but its kernel's messages do not appear on the serial console",
                os.traits().console_hint);
}

Result<std::string> FirstBoot::ask(const std::string& command, Millis limit) {
  auto answer = ask_shell(*machine_, command, limit, stop_, {}, os_);
  if (!answer) return fail(answer.error());
  if (auto problem = console_->problem(); !problem.empty()) return failed(problem);
  if (answer->exit_code == 0) return std::move(answer->output);
  return failed(fmt::format("in the guest, a command ended with {}: {}: {}", answer->exit_code,
                            printable(command, 100), printable(trim(answer->output), 1000)));
}

Status FirstBoot::power_off() {
  // In the background: the answer would be lost with the agent.
  if (auto told = ask("sync; (sleep 1; systemctl poweroff) >/dev/null 2>&1 &", patience_.settle); !told)
    return fail(told.error());
  for (const auto began = Clock::now(); since(began) - machine::cpu_wait(*machine_) < patience_.settle;) {
    if (console_->stopped()) return {};
    if (stop_.stop_requested()) return interrupted();
    if (auto problem = console_->problem(); !problem.empty()) return failed(problem);
    std::this_thread::sleep_for(100ms);
  }
  return failed("it was asked to power off and did not");
}

Status FirstBoot::save() { return machine::save(*machine_, machine::From::snapshot); }

}  // namespace labctl::snapshot
