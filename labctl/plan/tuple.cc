#include "labctl/plan/tuple.h"

#include <fmt/core.h>

#include <algorithm>

namespace labctl::plan {
namespace {

using scenario::Moment;
using scenario::Step;
using scenario::StepKind;

const std::string candidate = "candidate";

bool has(const std::vector<std::string>& labels, const std::string& label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

std::vector<std::string> labels_of(const std::string& own, const std::vector<Cell::Extra>& extras) {
  std::vector<std::string> labels;
  if (!own.empty()) labels.push_back(own);
  for (const auto& extra : extras)
    if (!has(labels, extra.label)) labels.push_back(extra.label);
  return labels;
}

// Whether a step with this label is about the candidate. A label that the cell has no artifact for is about
// nothing.
bool names_candidate(const std::string& label, const std::string& own,
                     const std::vector<Cell::Extra>& extras) {
  if (label.empty() || label == own) return own == candidate;
  return label == candidate && std::any_of(extras.begin(), extras.end(), [](const auto& extra) {
           return extra.label == candidate && extra.damage == scenario::Damage::none && !extra.may_be_refused;
         });
}

// Which candidates are in the guest once the step is done.
void take(const Cell& cell, const Step& step, Tuple& in) {
  switch (step.kind) {
    case StepKind::install:
      in.driver = names_candidate(step.label, cell.driver, cell.extra_drivers);
      return;
    case StepKind::place:
    case StepKind::apply:
      in.content = cell.guest.content && names_candidate(step.label, cell.content, cell.extra_contents);
      return;
    case StepKind::remove:
      in = {};
      return;
    case StepKind::power_cut:
      if (step.moment == Moment::install) in.driver = false;
      if (step.moment == Moment::apply) in.content = false;
      return;
    case StepKind::exercise:
    case StepKind::reboot:
    case StepKind::cold_boot:
    case StepKind::reload:
    case StepKind::suspend:
    case StepKind::crash:
    case StepKind::update:
    case StepKind::run:
    case StepKind::wait:
    case StepKind::wait_for:
      return;
  }
}

bool is_negative_test(const Cell& cell) {
  return cell.content_may_be_refused || cell.content_damage != scenario::Damage::none ||
         std::any_of(cell.accepted.begin(), cell.accepted.end(),
                     [](const auto& entry) { return entry.as == scenario::As::expected; });
}

}  // namespace

std::string Tuple::in_words() const {
  if (driver && content) return "the candidate driver and the candidate content together";
  return content ? "the candidate content" : "the candidate driver";
}

std::string Place::in_words() const {
  return fmt::format("image {}{}", image, machine.empty() ? "" : fmt::format(", machine {}", machine));
}

bool Holding::has_candidate() const { return has(drivers, candidate) || has(contents, candidate); }

int boots_with(const Cell& cell, const Tuple& tuple) {
  if (tuple.empty()) return 0;
  Tuple in;
  int boots = 0;
  for (const Step& step : cell.story) {
    take(cell, step, in);
    const bool all = (in.driver || !tuple.driver) && (in.content || !tuple.content);
    if (all && scenario::boots(step.kind)) boots += step.times;
  }
  return boots;
}

std::vector<Holding> holdings(const Plan& plan) {
  std::vector<Holding> all;
  for (const Cell& cell : plan.cells) {
    all.push_back({.image = cell.image, .machine = cell.machine.name});
    if (cell.control) continue;
    all.back().drivers = labels_of(cell.driver, cell.extra_drivers);
    all.back().contents = labels_of(cell.content, cell.extra_contents);
  }
  const Tuple tuple = tuple_of(all);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!plan.cells[i].control && !is_negative_test(plan.cells[i]))
      all[i].boots_together = boots_with(plan.cells[i], tuple);
  return all;
}

Tuple tuple_of(const std::vector<Holding>& holdings) {
  Tuple tuple;
  for (const Holding& one : holdings) {
    tuple.driver |= has(one.drivers, candidate);
    tuple.content |= has(one.contents, candidate);
  }
  return tuple;
}

std::vector<Place> never_together(const std::vector<Holding>& holdings, const std::vector<bool>& counts) {
  std::vector<Place> places;
  for (const Holding& wanted : holdings) {
    const auto here = [&](const auto& other) {
      return other.image == wanted.image && other.machine == wanted.machine;
    };
    if (!wanted.has_candidate() || std::any_of(places.begin(), places.end(), here)) continue;
    bool proved = false;
    for (std::size_t i = 0; i < holdings.size(); ++i)
      proved = proved || (here(holdings[i]) && counts[i] && holdings[i].boots_together > 0);
    if (!proved) places.push_back({wanted.image, wanted.machine});
  }
  return places;
}

}  // namespace labctl::plan
