// labctl show: what happened in a run or in one of its cells, to be read.

#include "labctl/report/show.h"

#include <fmt/core.h>

#include <algorithm>

#include "labctl/base/json.h"
#include "labctl/base/terminal_text.h"
#include "labctl/base/text.h"
#include "labctl/bundle/console.h"
#include "labctl/bundle/judge.h"
#include "labctl/bundle/reports.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/output.h"
#include "labctl/cli/pager.h"
#include "labctl/cli/symbols_option.h"
#include "labctl/symbolize/source_lines.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct ShowOptions {
  std::string bundle, cell;
  unsigned lines = 20;  // of the console before and after a finding
  bool no_pager = false, json = false;
  std::vector<std::string> debug;  // modules with their debug information
};

// The cell that is called so; else the only one whose id matches as a glob or has the text in it.
Result<std::size_t> find_cell(const plan::Plan& plan, const std::string& name) {
  std::vector<std::string> ids, found;
  std::size_t place = 0;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const auto& id = plan.cells[i].id;
    if (id == name) return i;
    ids.push_back(id);
    if (!glob_match(name, id) && id.find(name) == id.npos) continue;
    found.push_back(id);
    place = i;
  }
  if (found.size() == 1) return place;
  if (!found.empty())
    return input_error(fmt::format("{} cells are called like '{}'", found.size(), name), {},
                       fmt::format("name one of {}", join_some(found)));
  const auto meant = did_you_mean(name, ids);
  return input_error(
      fmt::format("the bundle has no cell '{}'", name), {},
      meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("its cells are {}", join_some(ids)));
}

report::Console as_console(Result<bundle::ConsolePart> part) {
  if (!part) return {.lines = {}, .problem = part.error().text()};
  return {.first_line = part->first_line, .lines = std::move(part->lines), .problem = {}};
}

report::Consoles read_consoles(const fs::path& bundle, const outcome::Outcome& outcome, std::size_t lines) {
  const fs::path file = bundle / "cells" / outcome.cell / "console.log";
  report::Consoles consoles;
  for (std::size_t i = 0; i < outcome.findings.size(); ++i) {
    const auto& seen = outcome.findings[i];
    if (seen.channel == event::Channel::console && seen.finding.line != 0)
      consoles.around[i] =
          as_console(bundle::read_console_at(file, seen.finding.offset, seen.finding.line, lines));
  }
  std::error_code ignored;
  if (consoles.around.empty() && !outcome.as_wanted() && fs::exists(file, ignored))
    consoles.end = as_console(bundle::read_console_end(file, lines));
  return consoles;
}

int show(const ShowOptions& options) {
  const std::vector<fs::path> debug_files(options.debug.begin(), options.debug.end());
  if (auto usable = symbolize::source_lines({}, debug_files); !usable) return report_error(usable.error());
  bundle::Lives lives;
  auto judged = bundle::judge_bundle(options.bundle, bundle::lives_into(lives));
  if (!judged) return report_error(judged.error());
  const auto record = bundle::read_record(options.bundle, *judged, debug_files, std::move(lives));
  std::vector<std::size_t> cells;
  std::map<std::size_t, report::Consoles> consoles;
  if (!options.cell.empty()) {
    const auto cell = find_cell(record.run.plan, options.cell);
    if (!cell) return report_error(cell.error());
    cells.push_back(*cell);
    consoles[*cell] = read_consoles(options.bundle, record.verdict.cells[*cell], options.lines);
  } else {
    for (std::size_t i = 0; i < record.verdict.cells.size(); ++i) cells.push_back(i);
  }
  if (options.json) {
    print_json(dump_pretty(report::show_json(record, cells, consoles)));
    return exit_code::passed;
  }
  for (const auto& contradiction : judged->contradictions) say(fmt::format("labctl: {}", contradiction));
  std::string text;
  if (!options.cell.empty()) {
    text = for_terminal(report::show_cell(record, cells.front(), consoles[cells.front()], stdout_width()));
  } else {
    text =
        for_terminal(report::show_run(record)) +
        report::summary(record.verdict, record.run.plan, {.colour = use_colour(1), .width = break_width()}) +
        for_terminal(fmt::format("\nto see one cell: labctl show {} CELL\n", shell_quote(options.bundle)));
  }
  print_paged(text, !options.no_pager);
  return exit_code::passed;
}

}  // namespace

void add_show(CommandLine& command_line) {
  const auto options = std::make_shared<ShowOptions>();
  auto verb = command_line.verb(
      "show",
      {.summary = "Show what happened in a run, or in one of its cells",
       .group = group::judging,
       .examples = "labctl show reports/runs/20261122T003338Z-quickstart\n"
                   "labctl show reports/runs/20261122T003338Z-quickstart 6.12.driver-candidate --lines 50",
       .exit_codes = "0    it was shown, whatever the verdict\n"
                     "2    not a bundle, no such cell, or bad usage"},
      options, show);
  verb.option("BUNDLE", options->bundle, "The folder that 'labctl run' printed", {.required = true});
  verb.option("CELL", options->cell, "A cell's id, or a part of it that no other has");
  verb.option("--lines", options->lines, "Lines of the console before and after each finding",
              {.value = "N", .show_default = true, .between = {0, 1000}});
  verb.flag("--no-pager", options->no_pager, "Print it on a terminal, too, without $PAGER or less");
  verb.flag("--json", options->json, "For programs");
  add_symbols_option(verb, options->debug);
}

}  // namespace labctl::cli
