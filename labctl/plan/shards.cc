#include "labctl/plan/shards.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace labctl::plan {
namespace {

// What one host must have whole: the numbers of its cells in the plan, and what they cost.
struct Indivisible {
  std::vector<std::size_t> cells;
  int boots = 0;
};

std::vector<Indivisible> indivisible(const Plan& plan) {
  std::vector<Indivisible> parts;
  for (const Cell* base : plan.bases()) {
    Indivisible part;
    for (std::size_t i = 0; i < plan.cells.size(); ++i) {
      if (!same_machine(plan.cells[i], *base)) continue;
      part.cells.push_back(i);
      part.boots += plan.cells[i].boots_wanted();
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

Result<std::vector<Shard>> shards(const Plan& plan, std::size_t wanted) {
  auto parts = indivisible(plan);
  if (wanted > parts.size())
    return input_error(
        fmt::format(
            "{} shards are too many: all cells of an image on a machine stay together, and the plan has {} "
            "such groups",
            wanted, parts.size()),
        plan.scenario, fmt::format("give --shards a number up to {}", parts.size()));
  const std::size_t count = wanted == 0 ? parts.size() : wanted;
  // The longest first, each to the shard that has least.
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.boots > b.boots; });
  std::vector<Indivisible> filled(count);
  for (const auto& part : parts) {
    auto least = std::min_element(filled.begin(), filled.end(),
                                  [](const auto& a, const auto& b) { return a.boots < b.boots; });
    least->cells.insert(least->cells.end(), part.cells.begin(), part.cells.end());
    least->boots += part.boots;
  }
  std::vector<Shard> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::sort(filled[i].cells.begin(), filled[i].cells.end());
    for (const std::size_t cell : filled[i].cells) all[i].cells.push_back(plan.cells[cell].id);
  }
  return all;
}

Plan part_of(const Plan& plan, const Shard& shard) {
  const std::set<std::string> mine(shard.cells.begin(), shard.cells.end());
  Plan part = plan;
  std::erase_if(part.cells, [&](const Cell& cell) { return mine.count(cell.id) == 0; });
  return part;
}

std::string fault_of(const Plan& plan, const std::vector<Shard>& shards) {
  std::map<std::string, std::size_t> holder;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (shards[i].cells.empty()) return fmt::format("shard {} has no cell", i);
    for (const auto& id : shards[i].cells)
      if (!holder.emplace(id, i).second) return fmt::format("the cell {} is in more than one shard", id);
  }
  for (const Cell& cell : plan.cells)
    if (holder.count(cell.id) == 0) return fmt::format("the cell {} is in no shard", cell.id);
  if (holder.size() != plan.cells.size()) return "a shard has a cell that is not in the plan";
  for (const Cell* base : plan.bases())
    for (const Cell& cell : plan.cells)
      if (same_machine(cell, *base) && holder.at(cell.id) != holder.at(base->id))
        return fmt::format("the image {} on one machine is in more than one shard", base->image);
  return {};
}

}  // namespace labctl::plan
