// The questions of labctl history: each is asked read-only and printed as text or as JSON.

#include <fmt/core.h>

#include "labctl/base/digest.h"
#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/history.h"
#include "labctl/cli/output.h"
#include "labctl/history/place.h"
#include "labctl/history/questions.h"

namespace labctl::cli {
namespace {

struct AskOptions;
using Question = Result<Json> (*)(const history::Database&, const AskOptions&);

struct AskOptions {
  Question question = nullptr;
  std::string db, about, fleet;
  std::vector<std::string> drivers;
  int last = 30;
  bool json = false;
};

int ask(const AskOptions& options) {
  const auto file = history::file_of(options.db);
  if (!file) return report_error(file.error());
  const auto database = history::Database::open(*file);
  if (!database) return report_error(database.error());
  const auto answer = options.question(*database, options);
  if (!answer) return report_error(answer.error());
  if (options.json)
    print_json(dump_pretty(*answer));
  else
    print(history::as_text(*answer));
  return exit_code::passed;
}

Result<Json> coverage(const history::Database& database, const AskOptions& options) {
  std::optional<history::Fleet> fleet;
  if (!options.fleet.empty()) {
    const auto text = read_file(options.fleet, 64u << 20);
    if (!text) return input_error(text.error().what, options.fleet);
    auto read = history::read_fleet(*text, options.fleet);
    if (!read) return fail(read.error());
    fleet = std::move(*read);
  }
  for (const auto& driver : options.drivers)
    if (!is_sha256(driver))
      return input_error(fmt::format("--driver takes a SHA-256, not '{}'", printable(driver, 100)), {},
                         "'labctl history coverage --json' names those of the last run");
  return history::ask_coverage(database, fleet, options.drivers);
}

constexpr const char* asking_exit_codes =
    "0    the question was answered\n"
    "2    there is no history, or nothing of this name in it\n"
    "3    the history cannot be read";

struct QuestionHelp {
  const char *name, *summary, *examples;
};

// The verb of one question; its options are in `options`, which --json and --db are added to at the end.
Verb add_question(CommandLine& command_line, const QuestionHelp& help,
                  const std::shared_ptr<AskOptions>& options, Question question) {
  options->question = question;
  return command_line.verb(help.name,
                           {.summary = help.summary,
                            .group = group::history,
                            .examples = help.examples,
                            .exit_codes = asking_exit_codes},
                           options, ask);
}

void add_common(Verb& verb, AskOptions& options) {
  verb.flag("--json", options.json, "Print the answer as JSON");
  add_db_option(verb, options.db);
}

void add_runs(CommandLine& command_line) {
  const auto options = std::make_shared<AskOptions>();
  auto verb = add_question(command_line,
                           {"history runs", "The last runs, and what is red now and since when",
                            "labctl history runs\nlabctl history runs --last 100 --json"},
                           options, [](const history::Database& database, const AskOptions& given) {
                             return history::ask_runs(database, given.last);
                           });
  verb.option("--last", options->last, "How many runs",
              {.value = "N", .show_default = true, .between = {1, 100000}});
  add_common(verb, *options);
}

// A question about one thing that is named by its place, or about nothing in particular.
struct About {
  const char* argument = nullptr;
  const char* help = "";
  bool required = true;
};

void add_about(CommandLine& command_line, const QuestionHelp& help, const About& about, Question question) {
  const auto options = std::make_shared<AskOptions>();
  auto verb = add_question(command_line, help, options, question);
  if (about.argument) verb.option(about.argument, options->about, about.help, {.required = about.required});
  add_common(verb, *options);
}

void add_coverage(CommandLine& command_line) {
  const auto options = std::make_shared<AskOptions>();
  auto verb = add_question(
      command_line,
      {"history coverage", "Which kernels passed with the driver, and which share of a fleet that is",
       "labctl history coverage\nlabctl history coverage --fleet fleet.csv --json"},
      options, coverage);
  verb.option("--fleet", options->fleet, "CSV: kernel_release,machines[,distro]", {.value = "FILE"});
  verb.option("--driver", options->drivers,
              "Digest of the driver's file (default: those of the last run); may be repeated",
              {.value = "SHA256"});
  add_common(verb, *options);
}

}  // namespace

void add_history_questions(CommandLine& command_line) {
  using history::Database;
  add_runs(command_line);
  add_about(command_line, {"history cell", "What cells have shown", "labctl history cell 'debian-12*'"},
            {"GLOB", "Cells whose id matches"}, [](const Database& database, const AskOptions& given) {
              return history::ask_cell(database, given.about);
            });
  add_about(command_line,
            {"history crash", "Crashes: first and last seen, where, and their tickets",
             "labctl history crash\nlabctl history crash 'BUG: unable to handle*'"},
            {"TITLE", "One title, or a glob of titles", false},
            [](const Database& database, const AskOptions& given) {
              return history::ask_crash(database, given.about);
            });
  add_about(command_line,
            {"history first-bad", "Since when a cell fails, and what changed with it",
             "labctl history first-bad debian-12-linux-6.12.driver-candidate"},
            {"CELL-ID", "The id of a cell"}, [](const Database& database, const AskOptions& given) {
              return history::ask_first_bad(database, given.about);
            });
  add_about(command_line,
            {"history unstable", "Cells that both passed and failed on the same bytes",
             "labctl history unstable\nlabctl history unstable --json"},
            {}, [](const Database& database, const AskOptions&) { return history::ask_unstable(database); });
  add_about(command_line,
            {"history boots", "How long an image's boots take, by class of host",
             "labctl history boots debian-12-linux-6.12"},
            {"IMAGE", "The name of an image"}, [](const Database& database, const AskOptions& given) {
              return history::ask_boots(database, given.about);
            });
  add_about(command_line,
            {"history lab", "What the lab failed and tried again, and how old its canaries are",
             "labctl history lab"},
            {}, [](const Database& database, const AskOptions&) { return history::ask_lab(database); });
  add_coverage(command_line);
}

}  // namespace labctl::cli
