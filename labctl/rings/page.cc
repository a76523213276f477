#include "labctl/rings/page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/render.h"
#include "labctl/rings/sequential.h"

namespace labctl::rings {
namespace {

constexpr std::size_t most_listed = 100;
constexpr double left = 60, right = 700, top = 15, bottom = 275;

std::string in_pixels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Machine-days to the right, crashes upwards.
class Chart {
 public:
  Chart(const CrashRate& rate, const Tally& tally) : test_(rate), tally_(tally) {
    const auto count = static_cast<double>(tally.crashes.size());
    days_ = std::max(test_.fine_from(count) * 1.15, tally.machine_days * 1.1);
    crashes_ = std::max({3.0, count + 1, std::ceil(halts_at(days_ * 0.5))});
  }

  Json draw() const {
    Json chart{
        {"has_chart", true},
        {"label", words()},
        {"halt_area", points({{0, halts_at(0)}, {days_, halts_at(days_)}, {days_, crashes_}, {0, crashes_}})},
        {"fine_area", points({{opens_at(0), 0}, {days_, 0}, {days_, fine_at(days_)}})}};
    line(chart, "halt", {0, halts_at(0)}, {days_, halts_at(days_)});
    line(chart, "fine", {opens_at(0), 0}, {days_, fine_at(days_)});
    chart["ticks_x"] = chart["ticks_y"] = Json::array();
    for (int i = 0; i <= 4; ++i)
      chart["ticks_x"].push_back({{"x", in_pixels(x(days_ * i / 4))}, {"text", grouped(days_ * i / 4)}});
    const double step = std::max(1.0, std::floor(crashes_ / 5));
    for (double k = 0; k <= crashes_; k += step)
      chart["ticks_y"].push_back({{"y", in_pixels(y(k) + 4)}, {"text", grouped(k)}});
    std::vector<Point> seen{{0, 0}};
    for (std::size_t i = 0; i < tally_.crashes.size(); ++i) {
      seen.push_back({tally_.crashes[i].machine_days, static_cast<double>(i)});
      seen.push_back({tally_.crashes[i].machine_days, static_cast<double>(i + 1)});
    }
    seen.push_back({tally_.machine_days, static_cast<double>(tally_.crashes.size())});
    chart["seen"] = points(seen);
    chart["now_x"] = in_pixels(x(seen.back().days));
    chart["now_y"] = in_pixels(y(seen.back().crashes));
    return chart;
  }

 private:
  struct Point {
    double days, crashes;
  };

  std::string words() const {
    const auto count = static_cast<double>(tally_.crashes.size());
    const double halt = test_.bad_until(count + 1);
    return fmt::format("{} machine-days with {}. Without another crash it opens at {}; {}",
                       days_in_words(tally_.machine_days), counted(count, "crash", "crashes"),
                       grouped(std::ceil(test_.fine_from(count))),
                       halt > tally_.machine_days
                           ? fmt::format("another crash before {} halts it.", grouped(halt))
                           : "another crash now would not halt it.");
  }
  double a_crash() const { return test_.fine_from(1) - test_.fine_from(0); }  // is worth so many days
  double opens_at(double crashes) const { return test_.fine_from(crashes); }
  double fine_at(double days) const { return (days - test_.fine_from(0)) / a_crash(); }
  double halts_at(double days) const { return (days - test_.bad_until(0)) / a_crash(); }
  double x(double days) const { return left + (right - left) * std::clamp(days / days_, 0.0, 1.0); }
  double y(double crashes) const {
    return bottom - (bottom - top) * std::clamp(crashes / crashes_, 0.0, 1.0);
  }
  std::string points(const std::vector<Point>& all) const {
    std::string text;
    for (const auto& one : all) text += in_pixels(x(one.days)) + "," + in_pixels(y(one.crashes)) + " ";
    return text;
  }
  void line(Json& chart, const std::string& name, Point from, Point to) const {
    chart[name + "_x1"] = in_pixels(x(from.days));
    chart[name + "_y1"] = in_pixels(y(from.crashes));
    chart[name + "_x2"] = in_pixels(x(to.days));
    chart[name + "_y2"] = in_pixels(y(to.crashes));
  }

  const SequentialTest test_;
  const Tally& tally_;
  double days_ = 1, crashes_ = 3;
};

const char* class_of(Answer answer) {
  return answer == Answer::open ? "passed" : answer == Answer::halt ? "failed" : "unsure";
}

Json texts(const std::vector<std::string>& all) {
  Json list = Json::array();
  for (const auto& text : all) list.push_back({{"text", text}});
  return list;
}

Json artifacts_of(const About& about) {
  Json list = Json::array();
  for (const auto& one : about.artifacts) list.push_back({{"name", one.name}, {"sha256", one.sha256}});
  return list;
}

const Watched* find(const Decision& decision, const std::string& ring) {
  for (const auto& watched : decision.rings)
    if (watched.ring.name == ring) return &watched;
  return nullptr;
}

Json row_of(const Ring& ring, const Watched* watched) {
  if (!watched)
    return {{"name", ring.name}, {"class", ""},   {"state", "closed"}, {"opened", "–"}, {"soaked", "–"},
            {"updated", "–"},    {"silent", "–"}, {"days", "–"},       {"crashes", "–"}};
  const Tally& tally = watched->tally;
  const char* state = watched->answer == Answer::halt   ? "halts"
                      : watched->answer == Answer::wait ? "not yet"
                      : watched->must_hold              ? "has held"
                                                        : "open";
  return {{"name", ring.name},
          {"class", class_of(watched->answer)},
          {"state", state},
          {"opened", show_moment(watched->opened)},
          {"soaked",
           grouped(tally.soaked) + (ring.machines ? fmt::format(" of {}", grouped(*ring.machines)) : "")},
          {"updated", grouped(tally.updated)},
          {"silent", fmt::format("{} of {}", grouped(tally.silent), grouped(tally.known))},
          {"days", days_in_words(tally.machine_days)},
          {"crashes", grouped(static_cast<double>(tally.crashes.size()))}};
}

Json detail_of(const Watched& watched) {
  Json detail = watched.ring.crash_rate ? Chart(*watched.ring.crash_rate, watched.tally).draw()
                                        : Json{{"has_chart", false}};
  detail["name"] = watched.ring.name;
  detail["words"] = texts(watched.words);
  detail["crashes"] = Json::array();
  for (const auto& crash : watched.tally.crashes)
    if (detail["crashes"].size() < most_listed)
      detail["crashes"].push_back({{"title", crash.title},
                                   {"machine", crash.machine},
                                   {"at", show_moment(crash.at)},
                                   {"days", days_in_words(crash.machine_days)}});
  detail["has_crashes"] = !detail["crashes"].empty();
  return detail;
}

// "debian-12, machine smp: 4 tests, 12 starts".
std::vector<std::string> places_of(const attest::Statement& statement) {
  std::map<std::string, std::pair<int, int>> places;
  for (const auto& cell : statement.cells) {
    if (cell.control || cell.expected) continue;
    auto& [cells, boots] =
        places[cell.held.image +
               (cell.held.machine.empty() ? "" : fmt::format(", machine {}", cell.held.machine))];
    ++cells;
    boots += cell.boots_proved;
  }
  std::vector<std::string> texts;
  for (const auto& [place, counts] : places)
    texts.push_back(fmt::format("{}: {}, {} starts", place, counted(counts.first, "test", "tests"),
                                grouped(counts.second)));
  return texts;
}

int boots_of(const attest::Statement& statement) {
  int boots = 0;
  for (const auto& cell : statement.cells)
    if (!cell.control && !cell.expected) boots += cell.boots_proved;
  return boots;
}

}  // namespace

std::string rollout_page(const Plan& plan, const Decision& decision, const About& about) {
  const bool open = decision.answer == Answer::open, halt = decision.answer == Answer::halt;
  Json page{{"word", open   ? "Open"
                     : halt ? "Halt"
                            : "Wait"},
            {"symbol", open   ? "✓"
                       : halt ? "✕"
                              : "…"},
            {"class", class_of(decision.answer)},
            {"ring", about.ring},
            {"sentence",
             open   ? fmt::format("Ring {} may have the release.", about.ring)
             : halt ? fmt::format("Something speaks against the release; ring {} stays closed.", about.ring)
                    : fmt::format("Not enough is known yet to open ring {}.", about.ring)},
            {"why", halt ? "Why it halts" : "Why it waits"},
            {"has_reasons", !decision.reasons.empty()},
            {"reasons", texts(decision.reasons)},
            {"now", show_moment(about.now)},
            {"plan", about.plan},
            {"verdict", about.verdict},
            {"artifacts", artifacts_of(about)},
            {"rings", Json::array()},
            {"details", Json::array()}};
  double machines = 0, days = 0, crashes = 0;
  for (const auto& ring : plan.rings) page["rings"].push_back(row_of(ring, find(decision, ring.name)));
  for (const auto& watched : decision.rings) {
    page["details"].push_back(detail_of(watched));
    machines += watched.tally.updated;
    days += watched.tally.machine_days;
    crashes += static_cast<double>(watched.tally.crashes.size());
  }
  page["facts"] = Json::array({{{"label", "machines that have it"}, {"value", grouped(machines)}},
                               {{"label", "machine-days"}, {"value", days_in_words(days)}},
                               {{"label", "crashes"}, {"value", grouped(crashes)}},
                               {{"label", "decided (UTC)"}, {"value", show_moment(about.now)}}});
  return report::render(rollout_template, page);
}

std::string customer_page(const Decision& decision, const attest::Statement& statement, const About& about) {
  const int boots = boots_of(statement);
  std::vector<std::string> rings;
  for (const auto& watched : decision.rings) {
    const Tally& tally = watched.tally;
    const int crashes = static_cast<int>(tally.crashes.size());
    std::string text =
        fmt::format("{} ran it for {} days taken together, and reported {}",
                    counted(tally.updated, "machine", "machines"), days_in_words(tally.machine_days),
                    crashes == 0 ? "no crash." : counted(crashes, "crash.", "crashes."));
    if (not_excluded(crashes, tally.machine_days) < 1)
      text += fmt::format(
          " A rate above {} per machine and day is excluded with a certainty of 95 %; a lower one is not.",
          rate_in_words(not_excluded(crashes, tally.machine_days)));
    rings.push_back(text);
  }
  const bool halt = decision.answer == Answer::halt;
  const Json page{
      {"class", halt ? "failed" : "passed"},
      {"sentence",
       halt ? "This release was stopped." : "Every test passed, on every system in the list below."},
      {"gate", fmt::format("The files were installed on {} of test systems between {} and {}. Each was then "
                           "restarted again and again, and watched from outside for crashes, hangs and "
                           "silence; the same systems ran beside it without the release, for comparison.",
                           counted(static_cast<double>(places_of(statement).size()), "kind", "kinds"),
                           show_moment(statement.began), show_moment(statement.ended))},
      {"places", texts(places_of(statement))},
      {"gate_excludes",
       fmt::format(
           "{} starts without a crash{}", grouped(boots),
           boots > 3
               ? fmt::format(
                     ": a rate above {} per start is excluded with a certainty of 95 %; a rarer one is not.",
                     rate_in_words(not_excluded(0, boots)))
               : ": too few to exclude anything.")},
      {"rings_sentence", rings.empty() ? "No machine outside of the test laboratory has it yet."
                                       : "The release goes to groups of machines, one after the other."},
      {"rings", texts(rings)},
      {"artifacts", artifacts_of(about)},
      {"now", fmt::format("As of {}", show_moment(about.now))}};
  return report::render(customer_template, page);
}

}  // namespace labctl::rings
