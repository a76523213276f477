#include "labctl/cell/canary.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/text.h"

namespace labctl::cell {

using event::Channel;
using guest::Crash;

std::set<Channel> due(Crash crash) {
  switch (crash) {
    case Crash::nmi:
    case Crash::panic:
      return {Channel::console, Channel::panic_device};
    case Crash::oops:  // the panic device says nothing, and the guest answers: what it logged, and its taint
      return {Channel::console, Channel::evidence};
    case Crash::hang:
      return {Channel::heartbeat};
    case Crash::reset:
      return {Channel::resets};
  }
  return {};
}

plan::Cell canary_cell(const std::string& id, const std::string& image, scenario::Os os) {
  plan::Cell cell;
  cell.id = id;
  cell.control = true;  // nothing of a candidate's is in it
  cell.image = image;
  cell.guest.os = os;
  return cell;
}

std::vector<Operation> canary_operations(scenario::Os os, Crash crash, const event::Opened& opened) {
  const guest::System& system = guest::system_of(os);
  std::vector<Operation> operations = healthy_start(system, opened);
  Operation dying{.wait = Wait::quiet, .step = fmt::format("killed by {}", guest::to_string(crash))};
  dying.question = system.stage(crash);
  if (dying.question.command.empty()) dying.action = InjectNmi{};
  // Twice what any channel may take: a clone that still answers then has not died.
  dying.duration = 2 * timeouts(opened.boot_time).beat;
  operations.push_back(std::move(dying));
  return operations;
}

// Out of an NMI the kernel only puts aside what it says; it comes to the console when the panic flushes it,
// and a crash kernel is started before that.
static bool tells_of_crash_kernel(const std::vector<event::Event>& journal) {
  return std::any_of(journal.begin(), journal.end(), [](const event::Event& event) {
    const auto* panicked = std::get_if<event::Panicked>(&event.what);
    return panicked != nullptr && panicked->crash_loaded;
  });
}

Death read_death(const plan::Cell& cell, Crash crash, const std::vector<event::Event>& journal) {
  Death death{.crash = crash, .due = due(crash)};
  const auto* opened = journal.empty() ? nullptr : std::get_if<event::Opened>(&journal.front().what);
  if (opened == nullptr || opened->cell != cell.id) {
    death.reason = "its journal is another cell's";
    return death;
  }
  if (crash == Crash::nmi && tells_of_crash_kernel(journal)) death.due.erase(Channel::console);
  const outcome::Outcome outcome = replay(cell, journal, crash);
  for (const outcome::Observation& seen : outcome.findings) {
    if (!seen.finding.suppressed.empty()) continue;
    death.spoke.insert(seen.channel);
    death.spoke.insert(seen.also.begin(), seen.also.end());
    if (death.title.empty()) death.title = seen.finding.title;
  }
  // A lost heartbeat is an ending without a finding.
  if (outcome.ending == outcome::Ending::hung && outcome.findings.empty())
    death.spoke.insert(Channel::heartbeat);
  if (outcome.ending == outcome::Ending::lab_failed)
    death.reason = outcome.reason;
  else if (outcome.ending == outcome::Ending::passed)
    death.reason = "the clone survived, and no channel reported its crash";
  std::vector<std::string> silent;
  for (const Channel channel : death.due)
    if (death.spoke.count(channel) == 0) silent.emplace_back(event::to_string(channel));
  if (death.reason.empty() && !silent.empty()) death.reason = fmt::format("silent: {}", join(silent, ", "));
  return death;
}

}  // namespace labctl::cell
