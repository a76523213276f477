#include "labctl/cli/host.h"

#include <fmt/core.h>

#include <cstdlib>

#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/store.h"
#include "labctl/cli/terminal_observer.h"
#include "labctl/gate/log_observer.h"
#include "labctl/host/interrupt.h"
#include "labctl/host/paths.h"

namespace labctl::cli {

void HostChoice::add_to(Verb& verb) {
  verb.option("--connect", connect, "A libvirt URI instead of the private one",
              {.value = "URI", .show_default = true});
  verb.option("--accel", accel,
              "auto uses KVM only if a test guest runs under it; kvm or tcg forces the choice",
              {.show_default = true, .one_of = {"auto", "kvm", "tcg"}});
  verb.option("--log-level", log_level, "Show the diagnostic log on standard error, from this level on",
              {.show_default = true, .one_of = {"debug", "info", "warning", "error", "off"}});
  verb.flag("-v,--verbose", verbose, "Short for --log-level info");
  verb.option(
      "--progress", progress,
      "Cells at work as lines, or as a live view of the terminal; auto: live on a terminal that can show it",
      {.show_default = true, .one_of = {"auto", "lines", "live"}});
}

log::Level HostChoice::least_shown() const {
  using log::Level;
  for (const auto& [name, level] : {std::pair{"debug", Level::debug}, std::pair{"info", Level::info},
                                    std::pair{"warning", Level::warning}, std::pair{"error", Level::error}})
    if (log_level == name) return level;
  return verbose ? Level::info : Level::off;
}

// By itself only where nobody has asked for plain output: in a pipeline many terminals are none. Lines of the
// log and lines that are drawn again do not go together.
bool HostChoice::draws() const {
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (progress == "lines" || !stderr_is_terminal()) return false;
  if (progress == "live") return true;
  return least_shown() == log::Level::off && !is_set("NO_COLOR") && !is_set("CI");
}

gate::HostOrder HostChoice::order() const {
  using machine::AccelMode;
  return {connect, accel == "kvm" ? AccelMode::kvm : accel == "tcg" ? AccelMode::tcg : AccelMode::automatic};
}

int on_this_host(const HostChoice& choice, const char* when_interrupted, const Call& call,
                 const machine::HostOpener& open_host) {
  auto paths = host::paths();
  if (!paths) return report_error(paths.error());
  const host::Interrupt interrupt(
      [when_interrupted] { say(fmt::format("labctl: interrupted: {}", when_interrupted)); });
  const auto least = choice.least_shown();
  log::show_on_stderr(least);
  if (choice.progress == "live" && !choice.draws())
    say("labctl: note: --progress live: standard error is not a terminal; cells are shown as lines");
  TerminalObserver terminal(choice.draws());
  gate::LogObserver logged;
  gate::Observers observers({&terminal, &logged});
  const gate::Environment environment{.paths = *paths,
                                      .store = open_store(*paths),
                                      .open_host = open_host,
                                      .stop = interrupt.token(),
                                      .tool = std::string("labctl ") + LABCTL_VERSION};
  return call(environment, observers);
}

}  // namespace labctl::cli
