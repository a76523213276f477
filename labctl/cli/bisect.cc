// labctl bisect: the smallest cause of a recorded crash.

#include "labctl/gate/bisect.h"

#include <fmt/core.h>
#include <unistd.h>

#include <iostream>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/bisect_story.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/symbols_option.h"

namespace labctl::cli {
namespace {

struct BisectOptions {
  std::string bundle, cell;
  std::string scenario;         // whose commands take the content apart; empty: the run's own, on this host
  std::string driver, content;  // earlier versions; empty: the scenario's
  std::vector<std::string> artifacts;
  std::vector<std::string> debug;  // modules with their debug information
  double sure = 0.95;
  bool replay = false;  // each probe runs the story from its beginning
  std::string out;      // where the probes' records go; empty: they are looked at and thrown away
  bool json = false;
  HostChoice host;
};

// The commands that a recorded path leads to are run only for somebody who has read them.
bool agrees_to(const scenario::Split& split, const std::string& file) {
  if (::isatty(0) == 0 || ::isatty(2) == 0) return false;
  say(fmt::format("labctl: to take the content apart, {} runs these commands on this host:",
                  printable(file)));
  for (const auto& command : {split.records, split.subset})  // whole: what is cut off is not agreed to
    if (!command.empty()) say("  " + printable(command, 4 * command.size() + 3));
  std::fputs("labctl: run them as your user? [y/N] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y";
}

int bisect(const BisectOptions& options) {
  const gate::BisectOrder order{.bundle = options.bundle,
                                .cell = options.cell,
                                .scenario = options.scenario,
                                .driver = options.driver,
                                .content = options.content,
                                .artifacts = {options.artifacts.begin(), options.artifacts.end()},
                                .debug_files = {options.debug.begin(), options.debug.end()},
                                .sure = options.sure,
                                .replay = options.replay,
                                .out = options.out,
                                .host = options.host.order(),
                                .agrees = agrees_to};
  return on_this_host(options.host, "ending the guest",
                      [&](const gate::Environment& environment, gate::Observer& observer) {
                        auto found = gate::bisect(order, environment, observer);
                        if (!found) return report_error(found.error());
                        if (options.json)
                          print_json(dump_pretty(bisect_json(*found)));
                        else
                          print(bisect_story(*found));
                        return found->sure() ? exit_code::passed : exit_code::blocked;
                      });
}

}  // namespace

void add_bisect(CommandLine& command_line) {
  const auto options = std::make_shared<BisectOptions>();
  auto verb = command_line.verb(
      "bisect",
      {.summary = "Find the smallest cause of a cell's crash",
       .group = group::crashes,
       .examples = "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*'\n"
                   "labctl bisect reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' "
                   "--scenario quickstart.yaml --json",
       .exit_codes =
           "0    a cause was found, as sure as --sure asks\n"
           "1    no cause is that sure\n"
           "2    bad input or usage: no such cell, it did not fail, an artifact is missing or differs\n"
           "3    the lab failed a run\n"
           "130  interrupted"},
      options, bisect);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("CELL", options->cell, "A cell of it that failed", {.required = true});
  verb.flag("--replay", options->replay, "Each probe runs the story from its beginning",
            {.old_name = "--afresh"});
  verb.option("--scenario", options->scenario,
              "Take the content apart as this file says (default: the run's)", {.value = "FILE"});
  verb.option("--driver", options->driver, "An earlier driver (default: another one of the scenario's)",
              {.value = "FILE"});
  verb.option("--content", options->content, "An earlier content (default: another one of the scenario's)",
              {.value = "FILE|DIR"});
  verb.option("--artifact", options->artifacts, "Look for the artifacts here too: a file or a folder",
              {.value = "FILE|DIR"});
  add_symbols_option(verb, options->debug);
  verb.option("--sure", options->sure, "Repeat until the answer has this confidence",
              {.show_default = true, .between = {0.5, 0.9999}});
  verb.option("--out", options->out, "Keep the journals and consoles of all runs here", {.value = "DIR"});
  verb.flag("--json", options->json, "For programs");
  options->host.add_to(verb);
}

}  // namespace labctl::cli
