// Writes a year of a lab into a history, by the insert behind `history add`:
//
//   make_history DB [RUNS IMAGES DRIVERS]
//
// Without numbers the whole year: 2,000 runs of 50 cells. Prints what was planted, as JSON.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "labctl/base/json.h"
#include "labctl/history/database.h"
#include "tests/history/year.h"

using namespace labctl;

int main(int argc, char** argv) {
  if (argc != 2 && argc != 5) {
    std::fprintf(stderr, "usage: make_history DB [RUNS IMAGES DRIVERS]\n");
    return 2;
  }
  history::YearSize size;
  if (argc == 5) size = {std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4])};
  auto database = history::Database::open_to_write(argv[1]);
  // What a power failure leaves is not the subject here.
  if (!database || !database->connection().run("PRAGMA synchronous = OFF")) return 3;
  std::chrono::duration<double> adding{0};
  const auto year = history::make_year(size, [&](const history::Entry& entry) -> Status {
    const auto began = std::chrono::steady_clock::now();
    auto added = database->add(entry);
    adding += std::chrono::steady_clock::now() - began;
    if (!added) return fail(added.error());
    return {};
  });
  if (!year) {
    std::fprintf(stderr, "make_history: %s\n", year.error().text().c_str());
    return 3;
  }
  Json json{{"seconds_of_add", adding.count()}, {"flakes", year->flakes}, {"lab_sick", year->lab_sick}};
  json["regressions"] = Json::array();
  for (const auto& planted : year->regressions)
    json["regressions"].push_back({{"cell", planted.cell},
                                   {"since", planted.began},
                                   {"last_good", planted.last_good},
                                   {"changed", planted.changed}});
  std::printf("%s", dump_pretty(json).c_str());
}
