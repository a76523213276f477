// labctl reproduce: the cell of a bundle again, from the same snapshot, with the same bytes and steps, held
// where somebody wants to take the guest over; or many times over, to know how often it fails.

#include "labctl/gate/reproduce.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/debug_session.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"

namespace labctl::cli {
namespace {

struct ReproduceOptions {
  std::string bundle, cell;
  std::string until;          // a step; empty: before the one in which the cell failed
  bool before_crash = false;  // as near as can be
  bool anyway = false;        // although bytes differ
  bool replay = false;        // although a machine is kept
  int times = 0;              // 0: once, for somebody at a session
  unsigned jobs = 0;
  bool json = false;
  std::vector<std::string> lines;      // instead of standard input
  std::vector<std::string> artifacts;  // files and folders to look for them in
  int gdb = 0;
  bool vnc = false;
  bool keep = false, discard = false;
  std::string out;  // where the records go; empty: they are thrown away
  HostChoice host;
};

gate::ReproduceOrder order_of(const ReproduceOptions& options) {
  return {.bundle = options.bundle,
          .cell = options.cell,
          .until = options.until,
          .before_crash = options.before_crash,
          .anyway = options.anyway,
          .replay = options.replay,
          .times = options.times,
          .jobs = options.jobs,
          .artifacts = {options.artifacts.begin(), options.artifacts.end()},
          .vnc = options.vnc,
          .discard = options.discard,
          .out = options.out,
          .host = options.host.order()};
}

bool ask_to_keep() {
  std::fputs("labctl: keep the machine, so that the next attempt begins here in a second? [Y/n] ", stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer.empty() || answer[0] == 'y' || answer[0] == 'Y';
}

// The person at this terminal, or the lines of --run.
class TerminalDebugger final : public gate::Debugger {
 public:
  TerminalDebugger(const ReproduceOptions& options, std::stop_token stop)
      : options_(options), stop_(std::move(stop)) {}

  lab::DebugSession& begin(const gate::Moment& moment) override {
    if (!moment.kept_since.empty())
      say(fmt::format("labctl: beginning at the machine that was kept at {} (--replay runs the steps again)",
                      moment.kept_since));
    session_.emplace(DebugSessionOptions{.lines = options_.lines,
                                         .gdb = options_.gdb,
                                         .vnc = options_.vnc,
                                         .save_at_once = moment.live && moment.kept_since.empty(),
                                         .took = [this] { return std::chrono::steady_clock::now() - began_; },
                                         .took_then = moment.took_then},
                     stop_);
    return *session_;
  }
  bool held() const override { return session_ && session_->held(); }
  bool keeps() override {
    if (session_->keep()) return *session_->keep();
    if (options_.keep || options_.discard || !session_->interactive()) return options_.keep;
    if (!asked_) asked_ = ask_to_keep();
    return *asked_;
  }
  bool discards_kept() override { return !session_->keep().value_or(!options_.discard); }

 private:
  const ReproduceOptions& options_;
  const std::stop_token stop_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::optional<TerminalDebugSession> session_;
  std::optional<bool> asked_;
};

int tell_held(const gate::ReproduceResult& result, bool held) {
  const auto& outcome = result.outcome;
  if (!held)
    say(fmt::format("labctl: that point was never reached: {}: {}", outcome::to_string(outcome.ending),
                    outcome.reason));
  for (const auto& difference : result.differences) say(fmt::format("labctl: NOT THE SAME: {}", difference));
  if (held) return exit_code::passed;
  return outcome.ending == outcome::Ending::interrupted ? exit_code::interrupted : exit_code::no_verdict;
}

int print_rate(const gate::ReproduceResult& result, bool as_json) {
  const auto& rate = *result.rate;
  if (as_json) {
    Json json = cell::to_json(rate);
    json["same_bytes"] = result.differences.empty();
    json["differences"] = result.differences;
    print_json(dump_pretty(json));
  } else {
    print(cell::describe(rate) + "\n");
    for (const auto& difference : result.differences) print(fmt::format("NOT THE SAME: {}\n", difference));
  }
  if (result.interrupted) return exit_code::interrupted;
  if (rate.times == 0) return exit_code::no_verdict;
  return rate.same > 0 ? exit_code::passed : exit_code::blocked;
}

int reproduce(const ReproduceOptions& options) {
  return on_this_host(
      options.host, "ending the guest", [&](const gate::Environment& environment, gate::Observer& observer) {
        TerminalDebugger debugger(options, environment.stop);
        auto result = gate::reproduce(order_of(options), environment, observer, &debugger);
        if (!result) return report_error(result.error());
        return result->rate ? print_rate(*result, options.json) : tell_held(*result, debugger.held());
      });
}

}  // namespace

void add_reproduce(CommandLine& command_line) {
  const auto options = std::make_shared<ReproduceOptions>();
  auto verb = command_line.verb(
      "reproduce",
      {.summary = "Bring a cell of a bundle back, to the moment before it failed",
       .group = group::crashes,
       .examples =
           "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' "
           "--before-crash\n"
           "labctl reproduce reports/runs/20261122T003338Z-quickstart '*6.12.driver-candidate*' --times 20 "
           "--json",
       .exit_codes =
           "0    stopped at that moment and left; with --times: it failed in the same way at least once\n"
           "1    with --times: it never failed in the same way\n"
           "2    bad input or usage, or something differs from the run\n"
           "3    the lab failed, or that moment was never reached\n"
           "130  interrupted"},
      options, reproduce);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("CELL", options->cell, "A cell's id, or a pattern that only one matches", {.required = true});
  verb.option("--until", options->until, "Stop before this step, as the report calls it", {.value = "STEP"});
  verb.flag("--before-crash", options->before_crash,
            "Stop before the very command, boot or wait in which it failed", {.excludes = {"--until"}});
  verb.option("--run", options->lines, "A command of the session instead of standard input; may be repeated",
              {.value = "LINE"});
  verb.option("--times", options->times, "Run N attempts from that point and report how often it fails",
              {.value = "N", .between = {1, 10000}});
  verb.option("--jobs", options->jobs, "Attempts at once (default: what the host carries)",
              {.value = "N", .between = {1, 1000}});
  verb.flag("--json", options->json, "What --times found, for programs");
  verb.flag("--vnc", options->vnc, "Show its screen on the loopback");
  verb.option("--gdb", options->gdb, "Wait for a debugger on this port of the loopback",
              {.value = "PORT", .between = {1, 65535}});
  verb.flag("--keep", options->keep, "On leaving, keep the machine for the next attempt");
  verb.flag("--discard", options->discard, "On leaving, keep nothing", {.excludes = {"--keep"}});
  verb.flag("--replay", options->replay, "Replay the steps, although a machine is kept",
            {.old_name = "--afresh"});
  verb.flag("--anyway", options->anyway, "Go on although something is not as it was; the result says so");
  verb.option("--artifact", options->artifacts, "Look for the candidate's files here too; may be repeated",
              {.value = "FILE|DIR"});
  verb.option("--out", options->out, "Keep journals and consoles here", {.value = "DIR"});
  options->host.add_to(verb);
}

}  // namespace labctl::cli
