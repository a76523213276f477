// labctl fuzz: hunts for content that the driver does not survive.

#include "labctl/gate/fuzz.h"

#include <fmt/format.h>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/host.h"
#include "labctl/cli/output.h"
#include "labctl/cli/plan_here.h"
#include "labctl/cli/scenario_file.h"

namespace labctl::cli {
namespace {

constexpr int something_found = 10;  // as watch has it; a crash that was found by chance is no verdict
constexpr const char* usual_time = "10m";

struct FuzzOptions {
  std::string scenario;
  Settings settings;
  std::string cell, corpus;
  std::vector<std::string> contents;
  std::string time, max_size = "1MiB", mutate;
  int count = 0, seed = 1, reboot_every = 50;
  bool json = false;
  HostChoice host;
  machine::HostOpener open_host;
};

// Complains by itself and gives nothing but the exit code when there is a mistake.
tl::expected<gate::FuzzOrder, int> read_order(const FuzzOptions& options) {
  const auto wrong = [](const Error& error) { return tl::unexpected(report_error(error)); };
  auto variables = options.settings.variables();
  if (!variables) return wrong(variables.error());
  const bool endless = options.time.empty() && options.count == 0;
  auto budget = options.time.empty() && !endless ? Result<Millis>(Millis(0))
                                                 : parse_duration(endless ? usual_time : options.time);
  if (!budget)
    return wrong({Fault::input, fmt::format("--for: {}", budget.error().what), {}, budget.error().hint});
  auto size = parse_size(options.max_size);
  if (!size)
    return wrong({Fault::input, fmt::format("--max-size: {}", size.error().what), {}, size.error().hint});
  auto loaded = load_plan_here(options.scenario, *variables, {});
  if (!loaded) return tl::unexpected(exit_code::bad_input);
  auto& [scenario, plan] = *loaded;
  return gate::FuzzOrder{.plan = std::move(plan),
                         .scenario = options.scenario,
                         .cell = options.cell,
                         .split = std::move(scenario.split),
                         .mutate = options.mutate,
                         .corpus = options.corpus.empty() ? "fuzz/" + scenario.name : options.corpus,
                         .contents = {options.contents.begin(), options.contents.end()},
                         .budget = *budget,
                         .count = options.count,
                         .seed = static_cast<std::uint64_t>(options.seed),
                         .reboot_every = options.reboot_every,
                         .most_bytes = static_cast<std::size_t>(*size),
                         .host = options.host.order()};
}

std::string crash_text(const gate::FuzzCrash& crash) {
  std::string text =
      fmt::format("  {}{}\n", printable(crash.title), crash.at_boot ? ", at the next boot" : "");
  text += fmt::format("    by {}\n", printable(crash.how));
  if (crash.confirmed > 0) {
    text += fmt::format("    seen again {} of 3 times; {}\n", crash.confirmed, crash.minimised);
    text += fmt::format("    labctl run {}\n", shell_quote((crash.folder / "scenario.yaml").string()));
  } else {
    text += crash.confirmed == 0 ? "    never seen again; " : "    not tried again yet; ";
    text += fmt::format("its content: {}\n", shell_quote((crash.folder / "content.bin").string()));
  }
  return text;
}

std::string fuzz_text(const gate::FuzzFindings& all) {
  std::string text = fmt::format(
      "{}: {} variants in {}, {:.1f} a minute, {} restarted; {} different answers in {}\n", all.cell,
      all.tried, show_duration(all.hunted), all.per_minute(), all.rebooted, all.answers, all.corpus.string());
  if (all.before > 0) text += fmt::format("{} variants had been tried before\n", all.before);
  text += all.crashes.empty() ? "no crash was found\n" : fmt::format("{} found:\n", all.crashes.size());
  for (const auto& crash : all.crashes) text += crash_text(crash);
  return fmt::format("{}This is not a verdict: 'labctl run' says whether a candidate may be published.\n",
                     text);
}

Json fuzz_json(const gate::FuzzFindings& all) {
  Json json{{"labctl", 1},
            {"verdict", nullptr},
            {"cell", all.cell},
            {"corpus", all.corpus.string()},
            {"tried", all.tried},
            {"tried_before", all.before},
            {"rebooted", all.rebooted},
            {"answers", all.answers},
            {"hypervisors", all.starts},
            {"prepared_ms", all.prepared.count()},
            {"hunted_ms", all.hunted.count()},
            {"per_minute", all.per_minute()},
            {"interrupted", all.interrupted},
            {"crashes", Json::array()}};
  for (const auto& crash : all.crashes)
    json["crashes"].push_back({{"title", crash.title},
                               {"how", crash.how},
                               {"at_boot", crash.at_boot},
                               {"confirmed", crash.confirmed},
                               {"minimised", crash.minimised},
                               {"folder", crash.folder.string()}});
  return json;
}

int fuzz(const FuzzOptions& options) {
  const auto order = read_order(options);
  if (!order) return order.error();
  return on_this_host(
      options.host, "ending the guest; what was found is kept",
      [&](const gate::Environment& environment, gate::Observer& observer) {
        auto found = gate::fuzz(*order, environment, observer);
        if (!found) return report_error(found.error());
        if (options.json)
          print_json(dump_pretty(fuzz_json(*found)));
        else
          print(fuzz_text(*found));
        if (found->interrupted) return exit_code::interrupted;
        return found->found() > 0 ? something_found : exit_code::passed;
      },
      options.open_host);
}

}  // namespace

void add_fuzz(CommandLine& command_line, const machine::HostOpener& open_host) {
  const auto options = std::make_shared<FuzzOptions>();
  options->open_host = open_host;
  auto verb = command_line.verb(
      "fuzz",
      {.summary = "Hunt for content that the driver does not survive",
       .group = group::crashes,
       .examples =
           "labctl fuzz scenarios/quickstart.yaml --for 10m\n"
           "labctl fuzz scenarios/quickstart.yaml --cell '*6.12*' --for 8h --content old-1.bin --content "
           "old-2.bin\n"
           "labctl fuzz gate.yaml --count 5000 --mutate './mutate.py \"$LABCTL_CONTENT\" \"$LABCTL_VARIANT\" "
           "\"$LABCTL_SEED\"'",
       .exit_codes =
           "0    nothing was found, which proves nothing\n"
           "10   a crash was found, and seen again\n"
           "2    bad input or usage: no such cell, its content is not good, a folder of another hunt\n"
           "3    the lab failed\n"
           "130  interrupted; what was found is kept"},
      options, fuzz);
  verb.option("SCENARIO", options->scenario, "Its candidate's content is known to be good",
              {.required = true});
  options->settings.add_to(verb);
  verb.option("--cell", options->cell,
              "Hunt in the first cell that matches (default: the first with content)", {.value = "GLOB"});
  verb.option("--corpus", options->corpus,
              "Keep what is found here, and continue what is there (default: fuzz/NAME)", {.value = "DIR"});
  verb.option("--for", options->time, "How long to hunt (default: 10m where there is no --count)",
              {.value = "DURATION"});
  verb.option("--count", options->count, "How many variants to try",
              {.value = "N", .between = {1, 100'000'000}});
  verb.option("--seed", options->seed, "Seed of the random choices: the same one tries the same variants",
              {.value = "N", .show_default = true, .between = {0, 2'000'000'000}});
  verb.option("--content", options->contents, "Another content that is known; may be repeated",
              {.value = "FILE"});
  verb.option("--mutate", options->mutate,
              "A command of this host that makes $LABCTL_VARIANT of $LABCTL_CONTENT and $LABCTL_SEED",
              {.value = "COMMAND"});
  verb.option("--reboot-every", options->reboot_every, "Restart one in N survivors, 0 for none",
              {.value = "N", .show_default = true, .between = {0, 1'000'000}});
  verb.option("--max-size", options->max_size, "The largest variant",
              {.value = "SIZE", .show_default = true});
  verb.flag("--json", options->json, "For programs");
  options->host.add_to(verb);
}

}  // namespace labctl::cli
