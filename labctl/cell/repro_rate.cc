#include "labctl/cell/repro_rate.h"

#include <fmt/core.h>

#include <cmath>

#include "labctl/base/json.h"
#include "labctl/base/text.h"

namespace labctl::cell {
namespace {

std::string percent(double share) { return std::to_string(std::lround(share * 100)); }

int boot_of(const outcome::Failure& failure, const outcome::Outcome& outcome) {
  for (const auto& seen : outcome.findings)
    if (seen.finding.title == failure.title) return seen.boot;
  return outcome.boots_proved;  // a hang has no finding
}

}  // namespace

ReproRate count(const plan::Cell& cell, const outcome::Failure& wanted,
                const std::vector<outcome::Outcome>& attempts) {
  ReproRate rate{.wanted = wanted};
  for (const auto& outcome : attempts) {
    const bool failed = outcome::is_guest_failure(outcome.ending);
    if (!failed && outcome.ending != outcome::Ending::passed) {
      ++rate.lab_failed;
      continue;
    }
    ++rate.times;
    if (!failed) continue;
    if (is_same(wanted, cell, outcome)) {
      ++rate.same;
      ++rate.boots[boot_of(wanted, outcome)];
    } else {
      ++rate.others[failure_of(cell, outcome).name()];
    }
  }
  return rate;
}

std::string describe(const ReproRate& rate) {
  const auto interval = rate.interval();
  std::string text = fmt::format("it failed in this way {} of {} times", rate.same, rate.times);
  if (rate.times > 0)
    text += fmt::format(" ({} %; with 95 % confidence between {} and {} %)",
                        percent(static_cast<double>(rate.same) / rate.times), percent(interval.low),
                        percent(interval.high));
  if (rate.boots.size() == 1) {
    text += rate.same > 1 ? ", always in boot " : ", in boot ";
    text += std::to_string(rate.boots.begin()->first);
  }
  if (rate.boots.size() > 1) {
    std::vector<std::string> parts;
    for (const auto& [boot, times] : rate.boots)
      parts.push_back(fmt::format("{} times in boot {}", times, boot));
    text += ", " + join(parts, ", ");
  }
  text += ": " + printable(rate.wanted.name(), 300);
  for (const auto& [title, times] : rate.others)
    text += fmt::format("\nand {} times in another: {}", times, printable(title, 300));
  if (rate.lab_failed > 0)
    text += fmt::format("\n{} attempts say nothing: the lab failed or was stopped", rate.lab_failed);
  return text;
}

Json to_json(const ReproRate& rate) {
  Json boots = Json::array(), others = Json::array();
  for (const auto& [boot, times] : rate.boots) boots.push_back({{"boot", boot}, {"times", times}});
  for (const auto& [title, times] : rate.others) others.push_back({{"title", title}, {"times", times}});
  const auto interval = rate.interval();
  return {{"title", rate.wanted.name()},
          {"times", rate.times},
          {"same", rate.same},
          {"low", interval.low},
          {"high", interval.high},
          {"boots", boots},
          {"others", others},
          {"lab_failed", rate.lab_failed}};
}

}  // namespace labctl::cell
