#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "labctl/history/asked.h"
#include "labctl/history/questions.h"

namespace labctl::history {
namespace {

constexpr std::size_t most_gaps = 10;

// The driver's artifacts of the last whole run that had any.
Result<std::vector<std::string>> last_drivers(const Database& history) {
  std::vector<std::string> drivers;
  auto done =
      each(history,
           "SELECT DISTINCT t.driver_sha256 FROM cell c JOIN tested t ON t.key = c.tested WHERE c.control = "
           "0 AND t.driver_sha256 <> '' AND c.run = (SELECT key FROM run WHERE partial = 0 AND interrupted "
           "= 0 ORDER BY began DESC, key DESC LIMIT 1)",
           {}, [&](const Rows& row) { drivers.push_back(row.text(0)); });
  if (!done) return fail(done.error());
  return drivers;
}

struct Kernel {
  std::set<std::string> images;
  std::int64_t boots = 0;
  std::string last_passed;
  std::vector<std::string> failing;  // cells whose last result with this driver is a failure
  bool passed() const { return !last_passed.empty() && failing.empty(); }
};
using Kernels = std::map<std::string, Kernel>;

// Rows in the order of time: the last result of a cell decides, and earlier ones count boots.
Result<Kernels> kernels_with(const Database& history, const std::vector<std::string>& drivers) {
  Kernels kernels;
  std::map<std::pair<std::string, std::string>, bool> last;
  for (const auto& driver : drivers) {
    auto done =
        each(history,
             "SELECT t.kernel_release, t.image, c.id, c.answer = 'passed', c.proved, r.began FROM tested t "
             "JOIN cell c ON c.tested = t.key JOIN run r ON r.key = c.run WHERE t.driver_sha256 = ? AND "
             "c.control = 0 AND c.expected = 0 AND c.answer IN ('passed', 'failed') ORDER BY r.began, r.key",
             {driver}, [&](const Rows& row) {
               auto& kernel = kernels[row.text(0)];
               kernel.images.insert(row.text(1));
               last[{row.text(0), row.text(2)}] = row.number(3) != 0;
               if (row.number(3) == 0) return;
               kernel.boots += row.number(4);
               kernel.last_passed = std::max(kernel.last_passed, row.text(5));
             });
    if (!done) return fail(done.error());
  }
  for (const auto& [cell, passed] : last)
    if (!passed) kernels[cell.first].failing.push_back(cell.second);
  return kernels;
}

Json fleet_answer(const Fleet& fleet, const Kernels& kernels) {
  std::int64_t machines = 0, covered = 0;
  std::vector<const FleetLine*> gaps;
  const auto known = [&](const FleetLine& line) { return kernels.find(line.kernel_release); };
  for (const auto& line : fleet) {
    machines += line.machines;
    if (known(line) != kernels.end() && known(line)->second.passed())
      covered += line.machines;
    else
      gaps.push_back(&line);
  }
  std::stable_sort(gaps.begin(), gaps.end(),
                   [](const FleetLine* a, const FleetLine* b) { return a->machines > b->machines; });
  Json json{{"machines", machines}, {"covered", covered}, {"kernels", fleet.size()}, {"gaps", Json::array()}};
  json["share"] = machines == 0 ? 0.0 : static_cast<double>(covered) / static_cast<double>(machines);
  for (std::size_t i = 0; i < gaps.size() && i < most_gaps; ++i) {
    const auto tested = known(*gaps[i]);
    const bool there = tested != kernels.end();
    json["gaps"].push_back(
        {{"kernel_release", gaps[i]->kernel_release},
         {"machines", gaps[i]->machines},
         {"distro", gaps[i]->distro},
         {"why", !there                           ? "never tested with this driver"
                 : tested->second.failing.empty() ? "no pass"
                                                  : fmt::format("fails: {}", tested->second.failing.front())},
         {"recipe", there ? "" : recipe_for(*gaps[i])}});
  }
  return json;
}

}  // namespace

Result<Json> ask_coverage(const Database& history, const std::optional<Fleet>& fleet,
                          const std::vector<std::string>& given) {
  auto drivers = given.empty() ? last_drivers(history) : Result<std::vector<std::string>>(given);
  if (!drivers) return fail(drivers.error());
  const auto kernels = kernels_with(history, *drivers);
  if (!kernels) return fail(kernels.error());
  Json answer{{"question", "coverage"}, {"drivers", *drivers}, {"kernels", Json::array()}};
  for (const auto& [release, kernel] : *kernels)
    answer["kernels"].push_back(
        {{"kernel_release", release},
         {"images", std::vector<std::string>(kernel.images.begin(), kernel.images.end())},
         {"passed", kernel.passed()},
         {"boots", kernel.boots},
         {"last_passed", kernel.last_passed},
         {"failing", kernel.failing}});
  answer["fleet"] = fleet ? fleet_answer(*fleet, *kernels) : Json();
  return answer;
}

}  // namespace labctl::history
