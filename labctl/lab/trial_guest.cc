#include "labctl/lab/trial_guest.h"

#include <fmt/format.h>

#include <algorithm>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/owned.h"
#include "labctl/base/random.h"
#include "labctl/base/text.h"
#include "labctl/guest/guest.h"
#include "labctl/machine/restore.h"
#include "labctl/observe/observe.h"

namespace labctl::lab {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Millis agent_patience = 5s, shortest_limit = 20s, last_words = 1500ms, behind_a_finding = 5s;
constexpr int limit_factor = 10;                 // of what the good content takes
constexpr std::size_t kept_console = 64u << 10;  // bytes
constexpr std::size_t chunk = 60u << 10;  // of content in one command; its words have an end at 128 KiB
constexpr const char* payload = "/var/lib/labctl/payload/";

Json exec(const guest::Shell& shell, const std::string& command) {
  std::vector<std::string> words(shell.begin() + 1, shell.end());
  words.push_back(command);
  return {{"execute", "guest-exec"},
          {"arguments", {{"path", shell.front()}, {"arg", words}, {"capture-output", true}}}};
}

// Its own shell, so that an `exit` ends nothing else; its end stands on a line of its own.
std::string part(const std::string& command, const std::string& mark) {
  std::string text = "(\n" + command;
  text += "\n) </dev/null 2>&1; printf '\\n%s %s\\n' ";
  text += mark;
  text += " $?\n";
  return text;
}

// A part of the content, into the file or behind what is in it.
std::string delivery(std::string_view bytes, bool first) {
  return fmt::format("printf %s '{}' | base64 -d {}{}{}\n", base64_encode(bytes), first ? ">" : ">>", payload,
                     guest::content_file());
}

// The answers of a script of parts, and what comes behind the last one.
std::string take_answers(std::string_view output, const std::string& mark,
                         std::vector<TrialAnswer>& answers) {
  const std::string line = "\n" + mark + " ";
  for (auto at = output.find(line); at != output.npos; at = output.find(line)) {
    const auto code = output.substr(at + line.size(), 3);
    answers.push_back({std::atoi(std::string(code).c_str()), std::string(output.substr(0, at))});
    output.remove_prefix(std::min(output.size(), output.find('\n', at + 1) + 1));
  }
  return std::string(output);
}

bool counts(const crash::Finding& finding) { return finding.suppressed.empty(); }

}  // namespace

std::string TrialSeen::title() const {
  const auto fatal = std::find_if(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.severity == crash::Severity::fatal;
  });
  if (fatal != findings.end()) return fatal->title;
  return findings.empty() ? ended : findings.front().title;
}

TrialGuest::TrialGuest(machine::Host& host, TrialSetup setup, std::stop_token stop)
    : host_(host),
      setup_(std::move(setup)),
      stop_(std::move(stop)),
      mark_("labctl-" + random_hex(8)),
      disk_(setup_.work / "trial.qcow2") {}

TrialGuest::~TrialGuest() {
  if (machine_) machine_->end();
  machine_.reset();
  std::error_code ignored;
  fs::remove(disk_, ignored);
}

// A hypervisor that saw a crash is not used again: what it would say of its guest is about the dead one.
Status TrialGuest::start() {
  if (machine_) machine_->end();
  machine_.reset();
  while (signs_.pop_until(Clock::now())) continue;
  if (auto copied = snapshot::copy_disk(setup_.base.disk, disk_); !copied) return copied;
  const fs::path nvram = setup_.work / "trial.nvram";
  if (auto copied = setup_.base.copy_nvram(nvram); !copied) return copied;
  auto machine = host_.create({.name = "labctl-trial",
                               .shape = setup_.base.shape,
                               .accel = host_.facts().accel,
                               .disk = disk_,
                               .nvram = nvram},
                              [this](machine::Notification sign) { signs_.push(std::move(sign)); });
  if (!machine) return fail(machine.error());
  machine_ = std::move(*machine);
  ++starts_;
  return machine_->start(machine::From::before);
}

Status TrialGuest::put_back() {
  Status back = machine_ ? machine::restore(*machine_, machine::From::before) : start();
  if (!back && starts_ > 0) back = start();
  if (!back) return back;
  while (signs_.pop_until(Clock::now())) continue;  // of the trial before
  scanner_ = std::make_unique<crash::Scanner>(crash::Os::linux_, setup_.signatures);
  restarts_ = false;
  resets_ = 0;
  return {};
}

void TrialGuest::add(std::vector<crash::Finding> findings, TrialSeen& seen) {
  for (auto& finding : findings) {
    const bool known = std::find(usual_.begin(), usual_.end(), finding.title) != usual_.end() ||
                       std::any_of(seen.findings.begin(), seen.findings.end(),
                                   [&](const auto& other) { return other.title == finding.title; });
    if (!known && counts(finding)) seen.findings.push_back(std::move(finding));
  }
}

void TrialGuest::on_sign(machine::Notification& sign, TrialSeen& seen) {
  std::visit(overloaded{[&](const machine::ConsoleBytes& console) {
                          seen.console += console.bytes;
                          if (seen.console.size() > 2 * kept_console)
                            seen.console.erase(0, seen.console.size() - kept_console);
                          add(scanner_->feed(console.bytes), seen);
                        },
                        [&](const machine::GuestPanicked&) {
                          if (seen.ended.empty()) seen.ended = "the kernel panicked";
                        },
                        [&](const machine::GuestReset&) {
                          ++resets_;
                          if (!restarts_ && seen.ended.empty()) seen.ended = "the guest reset itself";
                        },
                        [&](const machine::GuestStopped&) {
                          if (seen.ended.empty()) seen.ended = "the guest powered itself off";
                        },
                        [&](const machine::Lost& lost) {
                          if (seen.ended.empty())
                            seen.ended = fmt::format("the hypervisor was lost: {}", lost.why);
                        },
                        [&](const machine::GuestSuspended&) {
                          if (seen.ended.empty()) seen.ended = "the guest suspended itself to RAM";
                        },
                        [](const machine::GuestWoken&) {}, [](const machine::ConsoleEnded&) {},
                        [](const machine::AgentLink&) {}},
             sign);
}

void TrialGuest::listen(Millis patience, TrialSeen& seen) {
  const auto until = Clock::now() + patience;
  while (auto sign = signs_.pop_until(until)) {
    on_sign(*sign, seen);
    if (Clock::now() >= until) break;
  }
}

// The output of a command that ended, whatever its status. On the guest's clock: what it waited for a CPU
// does not count. Behind a fatal finding nobody waits long: the command may have died with the kernel.
Result<std::string> TrialGuest::ask(const std::string& command, Millis limit, TrialSeen& seen) {
  const auto shell = guest::system_of(setup_.guest.os).shell();
  const auto began = Clock::now();
  const Millis waited = machine::cpu_wait(*machine_);
  std::optional<Clock::time_point> found;
  long long process = 0;
  Millis pause = 20ms;
  while (well(seen)) {
    const auto now = Clock::now();
    if (now - began > limit + machine::cpu_wait(*machine_) - waited) break;
    if (found && now - *found > behind_a_finding) break;
    Json question = process > 0 ? Json{{"execute", "guest-exec-status"}, {"arguments", {{"pid", process}}}}
                                : exec(shell, command);
    auto answer = machine_->ask(question, agent_patience);
    if (answer && process == 0) process = number_at(*answer, "pid", 0);
    if (answer && flag_at(*answer, "exited")) {
      std::string output;
      observe::read_status("trial", *answer, output);
      return output;
    }
    listen(pause, seen);
    pause = std::min<Millis>(pause * 3 / 2, 100ms);
    if (!found && !seen.findings.empty()) found = Clock::now();
  }
  listen(last_words, seen);
  add(scanner_->flush(), seen);
  if (stop_.stop_requested()) return interrupted();
  if (seen.ended.empty()) seen.ended = "the guest did not answer any more";
  return std::string();
}

// Through the agent: a payload CD takes longer to make and to read than a small content takes to write.
Status TrialGuest::deliver(const std::string& content, TrialSeen& seen) {
  const std::string file = payload + guest::content_file();
  for (std::size_t at = 0; content.size() - at > chunk; at += chunk) {
    auto done = ask(delivery(std::string_view(content).substr(at, chunk), at == 0), limit_, seen);
    if (!done) return fail(done.error());
  }
  return {};
}

void TrialGuest::ask_all(const std::string& script, std::size_t answers, TrialSeen& seen) {
  const auto output = ask(script, limit_, seen);
  if (!output || !well(seen)) return;
  const auto before = seen.answers.size();
  const std::string log = take_answers(*output, mark_, seen.answers);
  if (seen.answers.size() - before != answers + 1) {
    seen.ended = "the guest did not run what it was asked to";
    return;
  }
  const std::string taint = std::string(trim(seen.answers.back().output));
  seen.answers.pop_back();
  // A kernel that was well before and is not any more has said why on the console or in its log.
  for (auto& what : observe::scan_kernel_log(crash::Os::linux_, log, setup_.signatures))
    if (auto* found = std::get_if<event::Found>(&what)) add({std::move(found->finding)}, seen);
  std::erase_if(seen.findings, [&](const auto& finding) { return !finding.confirmed && taint == taint_; });
  if (taint_.empty()) taint_ = taint;
  if (seen.findings.empty() && taint != taint_ && !restarts_)
    seen.ended = "the kernel is tainted and has not said why";
}

struct TrialGuest::Script {
  std::string text;
  std::size_t answers = 0;
  void add(const std::string& command, const std::string& mark) {
    text += part(command, mark);
    ++answers;
  }
};

Result<TrialSeen> TrialGuest::live(const std::string& content, bool reboot) {
  const auto began = Clock::now();
  if (auto back = put_back(); !back) return fail(back.error());
  TrialSeen seen;
  if (auto delivered = deliver(content, seen); !delivered) return fail(delivered.error());
  const auto& os = guest::system_of(setup_.guest.os);
  const std::string evidence = part("cat /proc/sys/kernel/tainted", mark_) + os.kernel_log().command + "\n";
  Script script;
  const std::size_t rest = content.empty() ? 0 : (content.size() - 1) / chunk * chunk;
  script.text = delivery(std::string_view(content).substr(rest), rest == 0);
  script.add(os.apply(*setup_.guest.content, guest::content_file()).command, mark_);
  for (const auto& command : setup_.guest.exercise) script.add(command.run, mark_);
  if (well(seen)) ask_all(script.text + evidence, script.answers, seen);
  if (reboot && well(seen) && seen.findings.empty()) {
    restart(seen);
    Script again;
    for (const auto& command : setup_.guest.exercise) again.add(command.run, mark_);
    if (well(seen)) ask_all(again.text + evidence, again.answers, seen);
  }
  add(scanner_->flush(), seen);
  if (stop_.stop_requested()) return interrupted();
  if (reboot || !seen.title().empty()) {
    machine_->end();
    machine_.reset();
  }
  seen.took = std::chrono::duration_cast<Millis>(Clock::now() - began);
  return seen;
}

// Down, up, and its boot is over.
void TrialGuest::restart(TrialSeen& seen) {
  const auto& os = guest::system_of(setup_.guest.os);
  const auto limit = std::max<Millis>(limit_factor * setup_.base.boot_time, shortest_limit);
  const auto until = Clock::now() + limit;
  restarts_ = true;
  // Its answer may be lost on the way down.
  static_cast<void>(machine_->ask(exec(os.shell(), os.reboot().command), agent_patience));
  while (resets_ == 0 && well(seen) && Clock::now() < until) listen(100ms, seen);
  if (resets_ == 0 && seen.ended.empty()) seen.ended = "the guest did not restart";
  if (well(seen)) static_cast<void>(ask(os.booted().command, limit, seen));
}

Result<TrialSeen> TrialGuest::begin(const std::string& good) {
  auto seen = live(good);
  if (!seen) return seen;
  if (!seen->ended.empty() || seen->answers.empty() || seen->answers.front().exit_code != 0)
    return input_error(
        fmt::format("the guest does not take the known content: {}",
                    seen->ended.empty()
                        ? printable(seen->answers.empty() ? "" : seen->answers.front().output, 300)
                        : seen->ended),
        {}, "a hunt begins with content that passes");
  if (!machine_)
    return input_error(fmt::format("the known content is not good: {}", seen->title()), {},
                       "a hunt begins with content that passes");
  TrialSeen nothing;
  auto cleared = ask("dmesg -C; sync", limit_, nothing);
  if (!cleared) return fail(cleared.error());
  if (auto saved = machine::save(*machine_, machine::From::before); !saved) return fail(saved.error());
  machine_->end();
  machine_.reset();
  std::error_code problem;
  fs::rename(disk_, setup_.base.disk, problem);
  if (problem)
    return lab_error(fmt::format("cannot keep the saved guest: {}", problem.message()), disk_.string());
  // Once more from the moment that counts, and then as a trial is: put back in a hypervisor that runs.
  auto again = live(good);
  if (!again) return again;
  for (const auto& finding : again->findings) usual_.push_back(finding.title);
  again = live(good);
  if (!again) return again;
  for (const auto& finding : again->findings) usual_.push_back(finding.title);
  limit_ = std::max<Millis>(shortest_limit, limit_factor * again->took);
  return again;
}

}  // namespace labctl::lab
