#include "labctl/cell/often.h"

#include <algorithm>
#include <cmath>

#include "labctl/base/text.h"
#include "labctl/cell/hold.h"

namespace labctl::cell {
namespace {

std::string percent(double share) { return std::to_string(std::lround(share * 100)); }

int boot_of(const verdict::Outcome& outcome, const std::string& title) {
  for (const auto& seen : outcome.findings)
    if (seen.finding.title == title) return seen.boot;
  return outcome.boots_proved;  // a hang has no finding
}

}  // namespace

Interval wilson(int hits, int times) {
  if (times <= 0) return {};
  constexpr double z = 1.959964;  // of the normal distribution, for 95 %
  const double n = times, p = hits / n, z2 = z * z;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Often count(const plan::Cell& cell, const std::string& wanted,
            const std::vector<verdict::Outcome>& attempts) {
  Often often{.wanted = wanted};
  for (const auto& outcome : attempts) {
    const bool failed = verdict::guests_fault(outcome.ending);
    if (!failed && outcome.ending != verdict::Ending::passed) {
      ++often.lab_failed;
      continue;
    }
    ++often.times;
    if (!failed) continue;
    const std::string title = title_of(cell, outcome);
    if (title == wanted) {
      ++often.same;
      ++often.boots[boot_of(outcome, title)];
    } else {
      ++often.others[title];
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
  text += ": " + printable(often.wanted, 300);
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
  return {{"title", often.wanted}, {"times", often.times},          {"same", often.same},
          {"low", interval.low},   {"high", interval.high},         {"boots", boots},
          {"others", others},      {"lab_failed", often.lab_failed}};
}

}  // namespace labctl::cell
