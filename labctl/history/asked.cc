#include "labctl/history/asked.h"

#include <set>

namespace labctl::history {
namespace {

// Rows: scenario, cell, control, run, tested, passed, journal; ordered by scenario, cell and time.
constexpr const char* all_results =
    "SELECT r.scenario, c.id, c.control, c.run, c.tested, c.answer = 'passed', c.journal_sha256 "
    "FROM cell c JOIN run r ON r.key = c.run ";
constexpr const char* in_order =
    " AND c.answer IN ('passed', 'failed') ORDER BY r.scenario, c.id, r.began, r.key";

Result<std::vector<Course>> read(const Database& history, const std::string& where, Parameters parameters) {
  std::vector<Course> all;
  std::set<std::string> journals;
  auto done = each(history, all_results + where + in_order, parameters, [&](const Rows& row) {
    std::string scenario = row.text(0), cell = row.text(1);
    if (all.empty() || all.back().scenario != scenario || all.back().cell != cell) {
      all.push_back({std::move(scenario), std::move(cell), false, {}});
      journals.clear();
    }
    all.back().control = row.number(2) != 0;
    if (journals.insert(row.text(6)).second)
      all.back().results.push_back({row.number(3), row.number(4), row.number(5) != 0});
  });
  if (!done) return fail(done.error());
  return all;
}

}  // namespace

Result<std::vector<Course>> courses(const Database& history) {
  return read(
      history,
      "JOIN cell l ON l.id = c.id JOIN (SELECT scenario, key, max(began) FROM run WHERE partial = 0 AND "
      "interrupted = 0 GROUP BY scenario) w ON w.key = l.run AND w.scenario = r.scenario WHERE 1",
      {});
}

Result<std::vector<Course>> courses(const Database& history, const std::string& cell) {
  return read(history, "WHERE c.id = ?", {cell});
}

Result<Json> run_reference(const Database& history, std::int64_t key) {
  Json json;
  auto done = each(history, "SELECT name, began, bundle FROM run WHERE key = ?", {key}, [&](const Rows& row) {
    json = {{"run", row.text(0)}, {"began", row.text(1)}, {"bundle", row.text(2)}};
  });
  if (!done) return fail(done.error());
  return json;
}

Status add_standing(const Database& history, const Course& course, Json& json) {
  const Standing standing = standing_of(course.results);
  json["standing"] = to_string(standing.colour);
  const bool red = standing.colour == Standing::Colour::red;
  json["since"] = json[red ? "last_good" : "last_bad"] = nullptr;
  for (const auto& [name, index] :
       {std::pair("since", standing.since), std::pair(red ? "last_good" : "last_bad", standing.before)}) {
    if (!index) continue;
    auto run = run_reference(history, course.results[*index].run);
    if (!run) return fail(run.error());
    json[name] = std::move(*run);
  }
  return {};
}

Result<std::vector<std::string>> known_cells(const Database& history) {
  std::vector<std::string> cells;
  auto done = each(history, "SELECT DISTINCT id FROM cell", {},
                   [&](const Rows& row) { cells.push_back(row.text(0)); });
  if (!done) return fail(done.error());
  return cells;
}

}  // namespace labctl::history
