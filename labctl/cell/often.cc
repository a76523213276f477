#include "labctl/cell/often.h"

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

Often count(const plan::Cell& cell, const outcome::Failure& wanted,
            const std::vector<outcome::Outcome>& attempts) {
  Often often{.wanted = wanted};
  for (const auto& outcome : attempts) {
    const bool failed = outcome::is_guest_failure(outcome.ending);
    if (!failed && outcome.ending != outcome::Ending::passed) {
      ++often.lab_failed;
      continue;
    }
    ++often.times;
    if (!failed) continue;
    if (is_same(wanted, cell, outcome)) {
      ++often.same;
      ++often.boots[boot_of(wanted, outcome)];
    } else {
      ++often.others[failure_of(cell, outcome).name()];
    }
  }
  return often;
}

std::string in_words(const Often& often) {
  const auto interval = often.interval();
  std::string text =
      "it failed in this way " + std::to_string(often.same) + " of " + std::to_string(often.times) + " times";
  if (often.times > 0)
    text += " (" + percent(static_cast<double>(often.same) / often.times) +
            " %; with 95 % confidence between " + percent(interval.low) + " and " + percent(interval.high) +
            " %)";
  if (often.boots.size() == 1) {
    text += often.same > 1 ? ", always in boot " : ", in boot ";
    text += std::to_string(often.boots.begin()->first);
  }
  if (often.boots.size() > 1) {
    std::vector<std::string> parts;
    for (const auto& [boot, times] : often.boots)
      parts.push_back(std::to_string(times) + " times in boot " + std::to_string(boot));
    text += ", " + join(parts, ", ");
  }
  text += ": " + printable(often.wanted.name(), 300);
  for (const auto& [title, times] : often.others)
    text += "\nand " + std::to_string(times) + " times in another: " + printable(title, 300);
  if (often.lab_failed > 0)
    text += "\n" + std::to_string(often.lab_failed) + " attempts say nothing: the lab failed or was stopped";
  return text;
}

Json to_json(const Often& often) {
  Json boots = Json::array(), others = Json::array();
  for (const auto& [boot, times] : often.boots) boots.push_back({{"boot", boot}, {"times", times}});
  for (const auto& [title, times] : often.others) others.push_back({{"title", title}, {"times", times}});
  const auto interval = often.interval();
  return {{"title", often.wanted.name()},
          {"times", often.times},
          {"same", often.same},
          {"low", interval.low},
          {"high", interval.high},
          {"boots", boots},
          {"others", others},
          {"lab_failed", often.lab_failed}};
}

}  // namespace labctl::cell
