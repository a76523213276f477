#include <fmt/core.h>

#include "labctl/base/text.h"
#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

constexpr std::size_t most_detailed = 20;

// A list of what a crash was seen with; `sql` gives one text for each and has two ?s: the title and a limit.
Status add_list(const Database& history, const char* name, const char* sql, Json& crash) {
  crash[name] = Json::array();
  const std::string title = text_at(crash, "title");
  return each(history, sql, {title, std::int64_t{200}},
              [&](const Rows& row) { crash[name].push_back(row.text(0)); });
}

}  // namespace

Status add_crash_details(const Database& history, Json& crash) {
  constexpr std::pair<const char*, const char*> lists[] = {
      {"in_cells",
       "SELECT DISTINCT c.id FROM finding f JOIN cell c ON c.key = f.cell WHERE f.title = ? ORDER BY 1 LIMIT "
       "?"},
      {"modules", "SELECT DISTINCT module FROM finding WHERE title = ? AND module <> '' ORDER BY 1 LIMIT ?"},
      {"kernels",
       "SELECT DISTINCT t.kernel_release FROM finding f JOIN cell c ON c.key = f.cell JOIN tested t ON t.key "
       "= "
       "c.tested WHERE f.title = ? AND t.kernel_release <> '' ORDER BY 1 LIMIT ?"},
      {"drivers",
       "SELECT DISTINCT t.driver_sha256 FROM finding f JOIN cell c ON c.key = f.cell JOIN tested t ON t.key "
       "= "
       "c.tested WHERE f.title = ? AND t.driver_sha256 <> '' ORDER BY 1 LIMIT ?"},
      {"contents",
       "SELECT DISTINCT t.content_sha256 FROM finding f JOIN cell c ON c.key = f.cell JOIN tested t ON t.key "
       "= "
       "c.tested WHERE f.title = ? AND t.content_sha256 <> '' ORDER BY 1 LIMIT ?"},
      {"bundles",
       "SELECT bundle FROM (SELECT DISTINCT r.bundle, r.began FROM finding f JOIN cell c ON c.key = f.cell "
       "JOIN "
       "run r ON r.key = c.run WHERE f.title = ?) ORDER BY began DESC LIMIT ?"},
      {"excerpts", "SELECT DISTINCT excerpt FROM finding WHERE title = ? AND excerpt <> '' LIMIT min(?, 3)"}};
  for (const auto& [name, sql] : lists)
    if (auto added = add_list(history, name, sql, crash); !added) return added;
  return {};
}

Result<Json> ask_crash(const Database& history, const std::string& title) {
  Json answer{{"question", "crash"}, {"title", title}, {"crashes", Json::array()}};
  constexpr const char* sql =
      "SELECT c.title, c.kind, c.severity, c.first_seen, c.last_seen, c.runs, c.cells, c.module, p.ticket, "
      "p.note, "
      "p.owner, p.state FROM crashes c LEFT JOIN problem p ON p.title = c.title ORDER BY c.last_seen DESC, "
      "c.runs DESC, c.title";
  std::vector<std::string> known;
  auto done = each(history, sql, {}, [&](const Rows& row) {
    known.push_back(row.text(0));
    if (!title.empty() && row.text(0) != title && !glob_match(title, row.text(0))) return;
    answer["crashes"].push_back({{"title", row.text(0)},
                                 {"kind", row.text(1)},
                                 {"severity", row.text(2)},
                                 {"first_seen", row.text(3)},
                                 {"last_seen", row.text(4)},
                                 {"runs", row.number(5)},
                                 {"cells", row.number(6)},
                                 {"module", row.text(7)},
                                 {"ticket", row.text(8)},
                                 {"note", row.text(9)},
                                 {"owner", row.text(10)},
                                 {"state", row.text(11)}});
  });
  if (!done) return fail(done.error());
  if (title.empty()) return answer;
  if (answer["crashes"].empty()) {
    const auto meant = did_you_mean(title, known);
    return input_error(
        fmt::format("no run has seen '{}'", printable(title, 200)), {},
        meant ? fmt::format("did you mean '{}'?", *meant) : "'labctl history crash' lists what was seen");
  }
  std::size_t detailed = 0;
  for (auto& crash : answer["crashes"])
    if (detailed++ < most_detailed)
      if (auto added = add_crash_details(history, crash); !added) return fail(added.error());
  return answer;
}

Result<Json> ask_unstable(const Database& history) {
  Json answer{{"question", "unstable"}, {"cells", Json::array()}};
  constexpr const char* sql =
      "SELECT u.cell, u.image, u.kernel_release, u.driver, u.content, u.control, u.n, u.failed, u.lab, "
      "(SELECT max(r.began) FROM cell c JOIN run r ON r.key = c.run WHERE c.tested = u.key AND c.answer = "
      "'failed'), (SELECT count(DISTINCT r.fingerprint) FROM cell c JOIN run r ON r.key = c.run WHERE "
      "c.tested = "
      "u.key AND c.answer = 'failed'), (SELECT f.title FROM cell c JOIN finding f ON f.cell = c.key WHERE "
      "c.tested = u.key AND c.answer = 'failed' AND f.suppressed = '' ORDER BY c.key DESC, f.n LIMIT 1), "
      "t.driver_sha256 FROM unstable u JOIN tested t ON t.key = u.key ORDER BY 10 DESC, u.cell";
  auto done = each(history, sql, {}, [&](const Rows& row) {
    const Share share{static_cast<int>(row.number(7)), static_cast<int>(row.number(6))};
    const Interval interval = share.interval();
    answer["cells"].push_back({{"cell", row.text(0)},
                               {"image", row.text(1)},
                               {"kernel_release", row.text(2)},
                               {"driver", row.text(3)},
                               {"content", row.text(4)},
                               {"control", row.number(5) != 0},
                               {"n", share.n},
                               {"failed", share.failed},
                               {"low", interval.low},
                               {"high", interval.high},
                               {"lab", row.number(8)},
                               {"last_failed", row.text(9)},
                               {"hosts", row.number(10)},
                               {"title", row.text(11)},
                               {"driver_sha256", row.text(12)}});
  });
  if (!done) return fail(done.error());
  return answer;
}

}  // namespace labctl::history
