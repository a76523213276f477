#include <fmt/core.h>

#include <map>

#include "labctl/base/text.h"
#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

// How many points a curve has at most; the newest ones.
constexpr std::int64_t most_points = 120;

Json spread(const std::vector<std::int64_t>& values) {
  if (values.empty()) return nullptr;
  return {{"n", values.size()}, {"median_ms", quantile(values, 0.5)}, {"p90_ms", quantile(values, 0.9)}};
}

struct Times {
  std::vector<std::int64_t> kernel, agent, proved;
  void add(const Rows& row, int column) {
    if (row.number(column) != 0) kernel.push_back(row.number(column));
    if (row.number(column + 1) != 0) agent.push_back(row.number(column + 1));
    if (row.number(column + 2) != 0) proved.push_back(row.number(column + 2));
  }
  void tell(Json& json) const {
    json["boot"] = spread(kernel);
    json["agent"] = spread(agent);
    json["proof"] = spread(proved);
  }
};

// A line of the curve is one run's median on one class of host.
Status add_curve(const Database& history, const std::string& image, Json& answer) {
  answer["curve"] = Json::array();
  return each(
      history,
      "SELECT began, cpu, accel, hypervisor, boot_ms FROM (SELECT r.began, r.cpu, r.accel, r.hypervisor, "
      "i.boot_ms FROM image i JOIN run r ON r.key = i.run WHERE i.name = ? AND i.boot_ms > 0 ORDER BY "
      "r.began DESC LIMIT ?) ORDER BY began",
      {image, most_points}, [&](const Rows& row) {
        answer["curve"].push_back({{"began", row.text(0)},
                                   {"cpu", row.text(1)},
                                   {"accel", row.text(2)},
                                   {"hypervisor", row.text(3)},
                                   {"cold_boot_ms", row.number(4)}});
      });
}

Error unknown_image(const Database& history, const std::string& image) {
  std::vector<std::string> known;
  const auto done = each(history, "SELECT DISTINCT name FROM image", {},
                         [&](const Rows& row) { known.push_back(row.text(0)); });
  if (!done) return done.error();
  const auto meant = did_you_mean(image, known);
  return {Fault::input,
          fmt::format("no run has used an image '{}'", printable(image, 100)),
          {},
          meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("known are: {}", join_some(known))};
}

// By one column: results, and what was tried again.
Status add_failures(const Database& history, const char* name, const std::string& by, Json& answer) {
  std::map<std::string, std::int64_t> retries;
  const std::string from = " FROM cell c JOIN run r ON r.key = c.run JOIN tested t ON t.key = c.tested ";
  auto counted = each(history,
                      "SELECT " + by + ", count(*)" + from +
                          "JOIN attempt a ON a.cell = c.key WHERE a.kind = 'lab-failed' GROUP BY 1",
                      {}, [&](const Rows& row) { retries[row.text(0)] = row.number(1); });
  if (!counted) return counted;
  answer[name] = Json::array();
  return each(history,
              "SELECT " + by +
                  ", count(DISTINCT c.run), count(*), sum(c.answer = 'lab'), max(r.cpu), max(r.accel), "
                  "max(r.hypervisor)" +
                  from + "WHERE c.answer <> 'none' GROUP BY 1 ORDER BY 4 DESC, 1",
              {}, [&](const Rows& row) {
                Json line{{"name", row.text(0)},
                          {"runs", row.number(1)},
                          {"cells", row.number(2)},
                          {"lab_failed", row.number(3)},
                          {"retries", retries[row.text(0)]}};
                if (by == "r.fingerprint") {
                  line["cpu"] = row.text(4);
                  line["accel"] = row.text(5);
                  line["hypervisor"] = row.text(6);
                }
                answer[name].push_back(std::move(line));
              });
}

Status add_canaries(const Database& history, Json& answer) {
  answer["canaries"] = Json::array();
  return each(
      history,
      "SELECT r.fingerprint, k.image, k.machine, max(k.made), max(r.began), sum(k.reason <> ''), "
      "CAST(round((julianday(max(r.began)) - julianday(max(k.made))) * 24) AS INTEGER) FROM canary k JOIN "
      "run r ON r.key = k.run GROUP BY r.fingerprint, k.image, k.machine ORDER BY 4, 2 LIMIT 500",
      {}, [&](const Rows& row) {
        answer["canaries"].push_back({{"host", row.text(0)},
                                      {"image", row.text(1)},
                                      {"machine", row.text(2)},
                                      {"made", row.text(3)},
                                      {"last_run", row.text(4)},
                                      {"not_proved", row.number(5)},
                                      {"age_hours", row.number(6)}});
      });
}

}  // namespace

Result<Json> ask_boots(const Database& history, const std::string& image) {
  Json answer{{"question", "boots"}, {"image", image}, {"hosts", Json::array()}};
  std::map<std::vector<std::string>, Times> classes;
  auto done =
      each(history,
           "SELECT r.cpu, r.accel, r.hypervisor, t.machine, b.kernel_ms, b.agent_ms, b.proved_ms FROM "
           "tested t JOIN cell c ON c.tested = t.key JOIN run r ON r.key = c.run JOIN boot b ON b.cell = "
           "c.key WHERE t.image = ?",
           {image}, [&](const Rows& row) {
             classes[{row.text(0), row.text(1), row.text(2), row.text(3)}].add(row, 4);
           });
  if (!done) return fail(done.error());
  for (const auto& [host, times] : classes) {
    answer["hosts"].push_back(
        {{"cpu", host[0]}, {"accel", host[1]}, {"hypervisor", host[2]}, {"machine", host[3]}});
    times.tell(answer["hosts"].back());
  }
  if (auto added = add_curve(history, image, answer); !added) return fail(added.error());
  if (classes.empty() && answer["curve"].empty()) return fail(unknown_image(history, image));
  return answer;
}

Result<Json> ask_lab(const Database& history) {
  Json answer{{"question", "lab"}};
  if (auto added = add_failures(history, "hosts", "r.fingerprint", answer); !added)
    return fail(added.error());
  if (auto added = add_failures(history, "images", "t.image", answer); !added) return fail(added.error());
  answer["reasons"] = Json::array();
  auto done =
      each(history,
           "SELECT reason, count(*), max(began) FROM lab_failures GROUP BY reason ORDER BY 2 DESC, 1 LIMIT "
           "10",
           {}, [&](const Rows& row) {
             answer["reasons"].push_back(
                 {{"reason", row.text(0)}, {"cells", row.number(1)}, {"last_seen", row.text(2)}});
           });
  if (!done) return fail(done.error());
  if (auto added = add_canaries(history, answer); !added) return fail(added.error());
  return answer;
}

}  // namespace labctl::history
