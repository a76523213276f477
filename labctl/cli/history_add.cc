// labctl history add: bundles become rows of the history.

#include <fmt/core.h>

#include <filesystem>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/history.h"
#include "labctl/cli/output.h"
#include "labctl/history/place.h"
#include "labctl/history/read.h"

namespace labctl::cli {
namespace {

namespace fs = std::filesystem;

struct AddOptions {
  std::vector<std::string> bundles;
  std::string db;
};

std::string in_words(const history::Entry& entry, history::Added added) {
  std::string words = added == history::Added::replaced ? "replaced " : "added ";
  words += entry.name + ": " + entry.verdict;
  if (entry.recorded != entry.verdict)
    words += fmt::format(" (recorded as {} under rule set {})", entry.recorded, entry.rules);
  return words;
}

// All that are meant, those in folders only where their run has ended.
struct Meant {
  std::vector<fs::path> bundles;
  std::size_t not_ended = 0;
};

Result<Meant> meant_by(const std::vector<std::string>& names) {
  Meant meant;
  for (const auto& name : names) {
    const auto found = history::bundles_in(name);
    if (found.empty())
      return input_error("there is no bundle in it", name,
                         "give the folder that 'labctl run' printed, or one above");
    for (const auto& bundle : found)
      if (bundle == fs::path(name) || history::has_ended(bundle))
        meant.bundles.push_back(bundle);
      else
        ++meant.not_ended;
  }
  return meant;
}

int add(const AddOptions& options) {
  const auto meant = meant_by(options.bundles);
  if (!meant) return report_error(meant.error());
  const auto file = history::file_of(options.db);
  if (!file) return report_error(file.error());
  auto database = history::Database::open_to_write(*file);
  if (!database) return report_error(database.error());
  int code = exit_code::passed;
  for (const auto& bundle : meant->bundles) {
    const auto added = add_to_history(*database, bundle);
    if (added) continue;
    code = std::max(code, report_error(added.error()));
    if (added.error().fault != Fault::input) break;  // the next one would meet the same
  }
  if (meant->not_ended != 0)
    say(fmt::format("labctl: skipped {} bundles whose runs have not ended", meant->not_ended));
  return code;
}

}  // namespace

void add_db_option(Verb& verb, std::string& db) {
  verb.option("--db", db,
              "The history (default: LABCTL_HISTORY, else labctl/history.db in the user's state folder)",
              {.value = "FILE"});
}

Status add_to_history(history::Database& database, const fs::path& bundle) {
  const auto id = history::entry_id(bundle);
  if (!id) return fail(id.error());
  const auto known = database.key_of(*id);
  if (!known) return fail(known.error());
  if (*known != 0) {
    answer_more("bundles", {{"bundle", bundle.string()}, {"added", false}});
    say(fmt::format("labctl: already in the history: {}", bundle.string()));
    return {};
  }
  const auto entry = history::read_entry(bundle);
  if (!entry) return fail(entry.error());
  const auto added = database.add(*entry);
  if (!added) return fail(added.error());
  answer_more("bundles", {{"bundle", bundle.string()},
                          {"added", *added != history::Added::known},
                          {"name", entry->name},
                          {"verdict", entry->verdict}});
  if (*added != history::Added::known) say(fmt::format("labctl: {}", in_words(*entry, *added)));
  return {};
}

void add_history_add(CommandLine& command_line) {
  const auto options = std::make_shared<AddOptions>();
  auto verb = command_line.verb(
      "history add",
      {.summary = "Judge bundles again and add them to the history",
       .group = group::history,
       .examples = "labctl history add reports/runs\n"
                   "labctl history add reports/runs/20261122T003338Z-quickstart --db lab.db",
       .exit_codes =
           "0    all are in the history now, whatever their verdicts\n"
           "2    some are not: no bundle, a run that has not ended, records that contradict each other\n"
           "3    the history cannot be written; it is as it was before"},
      options, add);
  verb.option("BUNDLE|DIR", options->bundles, "Bundles, and folders with bundles in them",
              {.required = true});
  add_db_option(verb, options->db);
  verb.json();
}

}  // namespace labctl::cli
