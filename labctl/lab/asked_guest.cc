#include "labctl/lab/asked_guest.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/owned.h"
#include "labctl/base/text.h"
#include "labctl/snapshot/os.h"

namespace labctl::lab {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr Millis between_looks = 200ms;
constexpr std::size_t most_console = 16u << 20;

}  // namespace

AskedGuest::AskedGuest(machine::Host& host, snapshot::BaseSnapshot base, fs::path work, std::stop_token stop)
    : host_(host),
      base_(std::move(base)),
      disk_(work / "asked.qcow2"),
      nvram_(work / "asked.nvram"),
      stop_(std::move(stop)) {}

AskedGuest::~AskedGuest() {
  if (machine_) machine_->end();
  agent_.reset();
  machine_.reset();
  std::error_code ignored;
  fs::remove(disk_, ignored);
  fs::remove(nvram_, ignored);
}

Status AskedGuest::start() {
  if (auto copied = snapshot::copy_disk(base_.disk, disk_); !copied) return copied;
  if (auto copied = base_.copy_nvram(nvram_); !copied) return copied;
  auto machine = host_.create({.name = "labctl-asked",
                               .shape = base_.shape,
                               .accel = host_.facts().accel,
                               .disk = disk_,
                               .nvram = nvram_},
                              [this](machine::Notification sign) { inputs_.push(std::move(sign)); });
  if (!machine) return fail(machine.error());
  machine_ = std::move(*machine);
  const auto from = base_.live() ? machine::From::snapshot : machine::From::power_on;
  if (auto started = machine_->start(from); !started) return started;
  const auto& os = guest::system_of(snapshot::os_of(base_.image));
  agent_ =
      std::make_unique<observe::Agent>(*machine_, os.shell(), [this](event::What what, std::string full) {
        inputs_.push(FromAgent{std::move(what), std::move(full)});
      });
  auto beat = wait_for({}, std::max<Millis>(3 * base_.boot_time, 2min));
  return beat ? Status() : fail(beat.error());
}

// Its answer, or a heartbeat where no question is named.
Result<AskedGuest::FromAgent> AskedGuest::wait_for(const std::string& question, Millis limit) {
  const auto until = Clock::now() + limit;
  while (Clock::now() < until && lost_.empty()) {
    if (stop_.stop_requested()) return interrupted();
    auto input = inputs_.pop_until(std::min<Clock::time_point>(until, Clock::now() + between_looks));
    if (!input) continue;
    if (auto* said = std::get_if<FromAgent>(&*input)) {
      const auto* answer = std::get_if<event::Answer>(&said->what);
      const bool wanted = question.empty() ? std::holds_alternative<event::Beat>(said->what)
                                           : answer != nullptr && answer->question == question;
      if (wanted) return std::move(*said);
      continue;
    }
    const auto& sign = std::get<machine::Notification>(*input);
    if (const auto* bytes = std::get_if<machine::ConsoleBytes>(&sign))
      console_.append(bytes->bytes, 0, most_console - std::min(most_console, console_.size()));
    if (const auto* lost = std::get_if<machine::Lost>(&sign)) lost_ = lost->why;
    if (std::holds_alternative<machine::GuestStopped>(sign)) lost_ = "the guest powered itself off";
  }
  if (!lost_.empty()) return lab_error(fmt::format("the guest cannot be asked: {}", printable(lost_)));
  return lab_error(question.empty()
                       ? fmt::format("the guest's agent did not answer within {}", show_duration(limit))
                       : fmt::format("'{}' did not end within {}", question, show_duration(limit)));
}

Result<GuestAnswer> AskedGuest::ask(const guest::Question& question, Millis limit) {
  agent_->ask(question.name, question.command);
  auto said = wait_for(question.name, limit);
  if (!said) return fail(said.error());
  const auto& answer = std::get<event::Answer>(said->what);
  if (!answer.answered) return lab_error(printable(answer.output, 300));
  return GuestAnswer{answer.exit_code, std::move(said->full_output)};
}

Status AskedGuest::picture(const fs::path& png) { return machine::screenshot(*machine_, png); }

}  // namespace labctl::lab
