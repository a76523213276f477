#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

Status add_titles(const Database& history, std::int64_t run, const std::string& cell, Json& json) {
  json["titles"] = Json::array();
  return each(
      history,
      "SELECT DISTINCT f.title, coalesce(p.ticket, '') FROM cell c JOIN finding f ON f.cell = c.key LEFT "
      "JOIN problem p ON p.title = f.title WHERE c.run = ? AND c.id = ? AND f.suppressed = '' AND "
      "f.accepted = 0 ORDER BY f.n LIMIT 5",
      {run, cell}, [&](const Rows& row) {
        json["titles"].push_back({{"title", row.text(0)}, {"ticket", row.text(1)}});
      });
}

Status add_red(const Database& history, Json& answer) {
  answer["red"] = Json::array();
  const auto all = courses(history);
  if (!all) return fail(all.error());
  for (const auto& course : *all) {
    const Standing standing = standing_of(course.results);
    if (standing.colour != Standing::Colour::red) continue;
    Json cell{{"scenario", course.scenario}, {"cell", course.cell}, {"control", course.control}};
    if (auto added = add_standing(history, course, cell); !added) return added;
    // The same bytes that passed before: it is not the candidate that changed.
    cell["same_bytes"] =
        standing.before && course.results[*standing.before].tested == course.results[*standing.since].tested;
    if (auto added = add_titles(history, course.results.back().run, course.cell, cell); !added) return added;
    answer["red"].push_back(std::move(cell));
  }
  return {};
}

}  // namespace

Result<Json> ask_runs(const Database& history, int last) {
  Json answer{{"question", "runs"}, {"runs", Json::array()}};
  constexpr const char* sql =
      "SELECT r.name, r.scenario, r.began, r.recorded, r.verdict, r.waived, r.warned, r.partial, "
      "(SELECT count(*) FROM cell c WHERE c.run = r.key AND c.control = 0), "
      "(SELECT count(*) FROM cell c WHERE c.run = r.key AND c.control = 0 AND c.answer = 'passed'), "
      "(SELECT count(*) FROM cell c WHERE c.run = r.key AND c.control = 0 AND c.answer = 'failed'), "
      "(SELECT count(*) FROM cell c WHERE c.run = r.key AND c.control = 0 AND c.answer = 'lab'), "
      "r.signed_by, r.bundle, r.pruned FROM run r ORDER BY r.began DESC, r.key DESC LIMIT ?";
  auto done = each(history, sql, {std::int64_t{last}}, [&](const Rows& row) {
    answer["runs"].push_back({{"run", row.text(0)},
                              {"scenario", row.text(1)},
                              {"began", row.text(2)},
                              {"recorded", row.text(3)},
                              {"verdict", row.text(4)},
                              {"waived", row.number(5) != 0},
                              {"warned", row.number(6) != 0},
                              {"partial", row.number(7) != 0},
                              {"cells", row.number(8)},
                              {"passed", row.number(9)},
                              {"failed", row.number(10)},
                              {"lab", row.number(11)},
                              {"signed_by", row.text(12)},
                              {"bundle", row.text(13)},
                              {"pruned", row.text(14)}});
  });
  if (!done) return fail(done.error());
  if (auto added = add_red(history, answer); !added) return fail(added.error());
  return answer;
}

}  // namespace labctl::history
