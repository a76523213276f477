#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "labctl/base/json.h"
#include "labctl/base/text.h"
#include "labctl/report/page.h"

namespace labctl::report {
namespace {

std::string percent(Millis at, Millis end) {
  char text[32];
  const double share =
      end.count() <= 0 ? 0 : static_cast<double>(at.count()) / static_cast<double>(end.count());
  std::snprintf(text, sizeof text, "%.3f", 100 * std::clamp(share, 0.0, 1.0));
  return text;
}

// The style sheet's class for it.
const char* class_of(outcome::Activity activity) {
  using enum outcome::Activity;
  switch (activity) {
    case prepare:
      return "prep";
    case boot:
      return "boot";
    case install:
      return "install";
    case apply:
      return "apply";
    case use:
      return "use";
    case settle:
      return "settle";
    case proof:
      return "proof";
    case evidence:
      return "evidence";
  }
  return "prep";
}

// A label where the bar is wide enough for it to be read.
std::string label_of(const Span& step, Millis end) {
  const auto share = 100 * (step.to - step.from).count() / std::max<Millis::rep>(1, end.count());
  const std::string& name = step.step.part.empty() ? step.step.name : step.step.part;
  return share * 12 > static_cast<Millis::rep>(10 * name.size()) ? name : std::string();
}

std::string lasted(Millis from, Millis to) {
  return fmt::format("from {} to {}, {}", show_duration(from), show_duration(to), show_duration(to - from));
}

Json bar(const std::string& style, Millis from, Millis to, Millis end, const std::string& label,
         const std::string& title) {
  return {{"class", style},
          {"left", percent(from, end)},
          {"width", percent(to - from, end)},
          {"label", label},
          {"title", title + ", " + lasted(from, to)}};
}

Json lives(const Timeline& line) {
  Json bars = Json::array();
  for (const auto& life : line.lives) {
    const std::string name = life.number == 0 ? "from the snapshot" : fmt::format("boot {}", life.number);
    const Millis up = life.up.value_or(life.to);
    if (up > life.from)
      bars.push_back(bar("rising", life.from, up, line.end, "",
                         name + (life.up ? ": until the agent answers" : ": the agent never answered")));
    if (up < life.to)
      bars.push_back(bar("life", up, life.to, line.end,
                         100 * (life.to - up) > 8 * line.end ? name : std::string(),
                         fmt::format("{}: up", name)));
  }
  return bars;
}

struct Sign {
  const char* symbol;
  const char* style;
};
Sign sign_of(Mark::Kind kind) {
  switch (kind) {
    case Mark::Kind::reset:
      return {"↻", ""};
    case Mark::Kind::kernel:
      return {"·", ""};
    case Mark::Kind::agent:
      return {"·", ""};
    case Mark::Kind::finding:
      return {"◆", "bad"};
    case Mark::Kind::panic:
    case Mark::Kind::stopped:
      return {"✖", "bad"};
    case Mark::Kind::lab:
      return {"▲", "lab"};
  }
  return {"?", ""};
}

Json ticks(Millis end) {
  static constexpr int nice[] = {1,   2,   5,    10,   15,   30,    60,    120,  300,
                                 600, 900, 1800, 3600, 7200, 14400, 43200, 86400};
  const auto seconds = std::max<Millis::rep>(1, end.count() / 1000);
  auto step = static_cast<Millis::rep>(nice[std::size(nice) - 1]);
  for (const int candidate : nice)
    if (seconds / candidate <= 6) {
      step = candidate;
      break;
    }
  while (seconds / step > 12) step *= 2;
  Json marks = Json::array();
  for (Millis::rep at = 0; at * 100 <= seconds * 97; at += step) {
    const Millis time = std::chrono::seconds(at);
    marks.push_back({{"left", percent(time, end)}, {"label", at == 0 ? "0" : show_duration(time)}});
  }
  return marks;
}

struct Told {
  Millis at;
  std::string what, style;
};

Json as_list(const Timeline& line) {
  std::vector<Told> all;
  for (const auto& step : line.steps) all.push_back({step.from, step.step.text(), ""});
  for (const auto& mark : line.marks)
    all.push_back({mark.at, std::string(sign_of(mark.kind).symbol) + " " + mark.text,
                   sign_of(mark.kind).style == std::string("bad") ? "failed" : ""});
  all.push_back({line.end, "the end", ""});
  std::stable_sort(all.begin(), all.end(), [](const Told& a, const Told& b) { return a.at < b.at; });
  Json list = Json::array();
  for (const auto& told : all)
    list.push_back({{"at", show_duration(told.at)}, {"what", told.what}, {"class", told.style}});
  return list;
}

}  // namespace

void draw_timeline(Json& cell, const Timeline& line) {
  cell["timed"] = !line.steps.empty() && line.end.count() > 0;
  cell["steps"] = cell["lives"] = cell["marks"] = cell["ticks"] = cell["story"] = Json::array();
  cell["has_marks"] = !line.marks.empty();
  if (!cell["timed"].get<bool>()) return;
  for (const auto& step : line.steps)
    cell["steps"].push_back(bar(class_of(step.step.activity), step.from, step.to, line.end,
                                label_of(step, line.end), step.step.text()));
  cell["lives"] = lives(line);
  for (const auto& mark : line.marks)
    cell["marks"].push_back({{"left", percent(mark.at, line.end)},
                             {"symbol", sign_of(mark.kind).symbol},
                             {"class", sign_of(mark.kind).style},
                             {"title", show_duration(mark.at) + ": " + mark.text}});
  cell["ticks"] = ticks(line.end);
  cell["story"] = as_list(line);
}

}  // namespace labctl::report
