#include <fmt/core.h>

#include <map>

#include "labctl/base/text.h"
#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

constexpr std::int64_t most_shown = 30;
constexpr std::size_t most_cells = 1000;

Error unknown_cell(const std::string& cell, const std::vector<std::string>& known) {
  const auto meant = did_you_mean(cell, known);
  return {Fault::input,
          fmt::format("no run has a cell '{}'", printable(cell, 200)),
          {},
          meant ? fmt::format("did you mean '{}'?", *meant) : "'labctl history cell \"*\"' lists the cells"};
}

// How many lives of a cell there are of each kind, and the last of them; the newest first.
Status add_lives(const Database& history, const Course& course, Json& json) {
  std::map<std::string, std::int64_t> counts;
  auto counted =
      each(history,
           "SELECT c.answer, count(*) FROM cell c JOIN run r ON r.key = c.run WHERE c.id = ? AND "
           "r.scenario = ? GROUP BY 1",
           {course.cell, course.scenario}, [&](const Rows& row) { counts[row.text(0)] = row.number(1); });
  if (!counted) return counted;
  for (const char* answer : {"passed", "failed", "lab", "kept", "none"}) json[answer] = counts[answer];
  json["lives"] = Json::array();
  return each(
      history,
      "SELECT r.name, r.began, c.answer, c.outcome, c.reason, c.took_ms FROM cell c JOIN run r ON r.key = "
      "c.run WHERE c.id = ? AND r.scenario = ? ORDER BY r.began DESC, r.key DESC LIMIT ?",
      {course.cell, course.scenario, most_shown}, [&](const Rows& row) {
        json["lives"].push_back({{"run", row.text(0)},
                                 {"began", row.text(1)},
                                 {"answer", row.text(2)},
                                 {"outcome", row.text(3)},
                                 {"reason", row.text(4)},
                                 {"took_ms", row.number(5)}});
      });
}

// Rows of `tested` with what else may have changed between two runs.
constexpr const char* bytes_of =
    "SELECT t.image_sha256, t.driver_sha256, t.content_sha256, t.extras_sha256, t.story_sha256, "
    "r.tool_sha256, "
    "r.hypervisor, r.accel, r.cpu, r.fingerprint, t.kernel_release FROM cell c JOIN tested t ON t.key = "
    "c.tested "
    "JOIN run r ON r.key = c.run WHERE c.run = ? AND c.id = ?";
constexpr const char* names_of_bytes[] = {
    "image", "driver", "content", "other artifacts", "story", "labctl", "hypervisor", "accel", "cpu", "host"};

Result<std::vector<std::string>> bytes(const Database& history, std::int64_t run, const std::string& cell) {
  std::vector<std::string> values;
  auto done = each(history, bytes_of, {run, cell}, [&](const Rows& row) {
    for (int column = 0; column < 11; ++column) values.push_back(row.text(column));
  });
  if (!done) return fail(done.error());
  values.resize(11);
  return values;
}

Status add_differences(const Database& history, const Course& course, const Standing& standing, Json& json) {
  json["differs"] = Json::array();
  json["same_bytes"] = nullptr;
  if (!standing.since || !standing.before) return {};
  const auto &first = course.results[*standing.since], &last = course.results[*standing.before];
  const auto now = bytes(history, first.run, course.cell), then = bytes(history, last.run, course.cell);
  if (!now) return fail(now.error());
  if (!then) return fail(then.error());
  json["same_bytes"] = first.tested == last.tested;
  for (std::size_t i = 0; i < std::size(names_of_bytes); ++i)
    if ((*now)[i] != (*then)[i])
      json["differs"].push_back({{"what", names_of_bytes[i]}, {"before", (*then)[i]}, {"after", (*now)[i]}});
  json["kernel_before"] = then->back();
  json["kernel_after"] = now->back();
  return {};
}

}  // namespace

Result<Json> ask_cell(const Database& history, const std::string& glob) {
  const auto known = known_cells(history);
  if (!known) return fail(known.error());
  Json answer{{"question", "cell"}, {"glob", glob}, {"cells", Json::array()}};
  for (const auto& id : *known) {
    if (!glob_match(glob, id) || answer["cells"].size() >= most_cells) continue;
    const auto all = courses(history, id);
    if (!all) return fail(all.error());
    for (const auto& course : *all) {
      Json cell{{"scenario", course.scenario}, {"cell", course.cell}, {"control", course.control}};
      if (auto added = add_standing(history, course, cell); !added) return fail(added.error());
      if (auto added = add_lives(history, course, cell); !added) return fail(added.error());
      answer["cells"].push_back(std::move(cell));
    }
  }
  if (answer["cells"].empty()) return fail(unknown_cell(glob, *known));
  return answer;
}

Result<Json> ask_first_bad(const Database& history, const std::string& cell) {
  const auto all = courses(history, cell);
  if (!all) return fail(all.error());
  if (all->empty()) {
    const auto known = known_cells(history);
    return fail(known ? unknown_cell(cell, *known) : known.error());
  }
  Json answer{{"question", "first-bad"}, {"cell", cell}, {"scenarios", Json::array()}};
  for (const auto& course : *all) {
    Json json{{"scenario", course.scenario}};
    if (auto added = add_standing(history, course, json); !added) return fail(added.error());
    if (auto added = add_differences(history, course, standing_of(course.results), json); !added)
      return fail(added.error());
    answer["scenarios"].push_back(std::move(json));
  }
  return answer;
}

}  // namespace labctl::history
