// What is done with a history besides asking it: pages, notes, and which bundles may go.

#include <fmt/core.h>

#include <ctime>

#include "labctl/base/files.h"
#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/base/units.h"
#include "labctl/cli/answer.h"
#include "labctl/cli/command_line.h"
#include "labctl/cli/history.h"
#include "labctl/cli/output.h"
#include "labctl/history/notes.h"
#include "labctl/history/place.h"
#include "labctl/history/prune.h"
#include "labctl/history/read.h"
#include "labctl/history/site.h"

namespace labctl::cli {
namespace {

using history::Database;

struct HtmlOptions {
  std::string db, out;
};

int html(const HtmlOptions& options) {
  const auto file = history::file_of(options.db);
  if (!file) return report_error(file.error());
  const auto database = Database::open(*file);
  if (!database) return report_error(database.error());
  const auto pages = history::site(*database, options.out);
  if (!pages) return report_error(pages.error());
  if (auto made = make_dirs(options.out); !made) return report_error(made.error());
  for (const auto& page : *pages)
    if (auto written = write_file(fs::path(options.out) / page.name, page.html); !written)
      return report_error(written.error());
  answer("pages", pages->size());
  answer("file", (fs::path(options.out) / "index.html").string());
  print(fmt::format("{} pages: {}\n", pages->size(), (fs::path(options.out) / "index.html").string()));
  return exit_code::passed;
}

struct NotesOptions {
  std::string db, notes;
};

int notes(const NotesOptions& options) {
  const auto text = read_file(options.notes, 16u << 20);
  if (!text) return report_error(Error{Fault::input, text.error().what, options.notes, {}});
  const auto read = history::read_notes(*text, options.notes);
  if (!read.mistakes.empty()) return report_error(read.mistakes);
  const auto file = history::file_of(options.db);
  if (!file) return report_error(file.error());
  const auto database = Database::open_to_write(*file);
  if (!database) return report_error(database.error());
  if (auto replaced = history::replace_notes(*database, read.notes); !replaced)
    return report_error(replaced.error());
  answer("notes", read.notes.size());
  say(fmt::format("labctl: {} problems have notes", read.notes.size()));
  return exit_code::passed;
}

struct PruneOptions {
  std::string db, older_than, except, valid;
  bool bundles = false, dry_run = false;
};

Result<history::PruneOrder> order_of(const PruneOptions& options) {
  history::PruneOrder order{.now = std::time(nullptr)};
  const auto age = parse_duration(options.older_than);
  if (!age) return because(age.error(), "--older-than");
  order.older_than = *age;
  if (!options.valid.empty()) {
    const auto valid = parse_duration(options.valid);
    if (!valid) return because(valid.error(), "--valid");
    order.valid = *valid;
  }
  for (const auto& word : options.except.empty() ? std::vector<std::string>() : split(options.except, ','))
    if (word == "failed")
      order.except_failed = true;
    else if (word == "signed")
      order.except_signed = true;
    else
      return input_error(
          fmt::format("--except knows failed and signed, and was given '{}'", printable(word, 60)));
  return order;
}

// Those that are where the history says, and are still the runs that it says.
Result<std::vector<history::StoredBundle>> stored(const Database& database) {
  auto rows = database.connection().ask(
      "SELECT key, id, bundle, verdict, ended, signed_by <> '' FROM run WHERE pruned = '' ORDER BY ended",
      {});
  if (!rows) return fail(rows.error());
  std::vector<history::StoredBundle> bundles;
  for (;;) {
    auto row = rows->step();
    if (!row) return fail(row.error());
    if (!*row) return bundles;
    history::StoredBundle bundle{
        .run = rows->number(0), .id = rows->text(1), .path = rows->text(2), .verdict = rows->text(3)};
    const auto ended = parse_moment(rows->text(4));
    std::error_code ignored;
    const fs::path path = bundle.path;
    bundle.ended = ended ? *ended : std::time(nullptr);
    bundle.is_signed = rows->number(5) != 0 || fs::exists(path / "attestation.json", ignored);
    if (path.is_absolute() && !fs::is_symlink(path, ignored) && fs::is_directory(path, ignored))
      bundles.push_back(std::move(bundle));
  }
}

Status remove(const Database& database, const history::StoredBundle& bundle, std::int64_t now) {
  const fs::path path = bundle.path;
  const auto id = history::entry_id(path);
  if (!id || *id != bundle.id)
    return input_error("is another bundle than the one that was added; it stays", path.string(),
                       "remove it by hand");
  if (auto removed = remove_below(path.parent_path(), path); !removed) return removed;
  auto rows = database.connection().prepare("UPDATE run SET pruned = ? WHERE key = ?");
  if (!rows) return fail(rows.error());
  return rows->run({show_moment(now), bundle.run});
}

int prune(const PruneOptions& options) {
  const auto order = order_of(options);
  if (!order) return report_error(order.error());
  if (!options.bundles)
    return report_error(
        Error{Fault::input, "say what to prune", {}, "labctl history prune --bundles --older-than 90d"});
  const auto file = history::file_of(options.db);
  if (!file) return report_error(file.error());
  const auto database = options.dry_run ? Database::open(*file) : Database::open_to_write(*file);
  if (!database) return report_error(database.error());
  const auto bundles = stored(*database);
  if (!bundles) return report_error(bundles.error());
  std::vector<history::StoredBundle> going;
  for (const auto& bundle : *bundles)
    if (history::why_kept(bundle, *order).empty()) going.push_back(bundle);
  for (const auto& bundle : going)
    answer_more("bundles",
                {{"bundle", bundle.path}, {"verdict", bundle.verdict}, {"ended", show_moment(bundle.ended)}});
  answer("dry_run", options.dry_run);
  answer("of", bundles->size());
  for (const auto& bundle : going)
    print(fmt::format("{}{} ({}, ended {})\n", options.dry_run ? "would remove " : "removing ", bundle.path,
                      bundle.verdict, show_moment(bundle.ended)));
  print(fmt::format("{} of {} bundles\n", going.size(), bundles->size()));
  int code = exit_code::passed;
  for (const auto& bundle : going)
    if (!options.dry_run)
      if (auto removed = remove(*database, bundle, order->now); !removed)
        code = std::max(code, report_error(removed.error()));
  return code;
}

void add_html(CommandLine& command_line) {
  const auto options = std::make_shared<HtmlOptions>();
  auto verb = command_line.verb("history html",
                                {.summary = "Write the history as pages: static, without script",
                                 .group = group::history,
                                 .examples = "labctl history html --out site",
                                 .exit_codes = "0    the pages were written\n"
                                               "2    there is no history\n"
                                               "3    the history cannot be read, or a page not be written"},
                                options, html);
  verb.option("--out", options->out, "The folder for the pages", {.value = "DIR", .required = true});
  add_db_option(verb, options->db);
  verb.json();
}

void add_notes(CommandLine& command_line) {
  const auto options = std::make_shared<NotesOptions>();
  auto verb = command_line.verb("history notes",
                                {.summary = "Take tickets and notes on crashes from a YAML file",
                                 .group = group::history,
                                 .examples = "labctl history notes problems.yaml",
                                 .exit_codes = "0    the notes are those of the file now\n"
                                               "2    a mistake in the file; the notes stay as they were\n"
                                               "3    the history cannot be written"},
                                options, notes);
  verb.option("FILE", options->notes, "The file; it is the source, and the history its copy",
              {.required = true});
  add_db_option(verb, options->db);
  verb.json();
}

}  // namespace

void add_history_keeping(CommandLine& command_line) {
  add_html(command_line);
  add_notes(command_line);
  const auto options = std::make_shared<PruneOptions>();
  auto verb = command_line.verb(
      "history prune",
      {.summary = "Remove old bundles, and keep their rows",
       .group = group::history,
       .examples = "labctl history prune --bundles --older-than 90d --except failed,signed --dry-run\n"
                   "labctl history prune --bundles --older-than 90d --except failed --valid 720h",
       .exit_codes = "0    done, or nothing to remove\n"
                     "2    bad usage, no history, or a folder that is another bundle now\n"
                     "3    a bundle cannot be removed, or the history not be written"},
      options, prune);
  verb.flag("--bundles", options->bundles, "Remove the bundles' folders");
  verb.option("--older-than", options->older_than, "Only those whose run ended longer ago (90d)",
              {.value = "DUR", .required = true});
  verb.option("--except", options->except, "Keep all that are: failed, signed, or both with a comma between",
              {.value = "WORDS"});
  verb.option("--valid", options->valid,
              "How long attestations are valid (default: for ever); signed bundles are kept so long",
              {.value = "DUR"});
  verb.flag("--dry-run", options->dry_run, "Only say what would be removed");
  add_db_option(verb, options->db);
  verb.json();
}

}  // namespace labctl::cli
